/*
 * The processor that the package was built for (Package.swift), looked at before anything else runs: where an
 * instruction is missing the program would end with SIGILL, which tells nobody what to do.
 */
#include <unistd.h>

#if defined(FP_NEEDS_X86_64_V3) && defined(__x86_64__)
static const char refusal[] =
	"this program is built for x86-64-v3 processors (AVX2, BMI2, FMA, MOVBE), and this is none "
	"of them: build it with FASTPATH_CPU=x86-64 in the environment\n";

/* Compiled for every processor: the flags of Package.swift are Swift's alone. */
static __attribute__((constructor)) void fp_require_processor(void)
{
	__builtin_cpu_init();
	/* By features that every libgcc knows ("x86-64-v3" is GCC 12's); who has these has MOVBE and LZCNT. */
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
	    __builtin_cpu_supports("fma"))
		return;
	/* The environment's exit status, whether the words arrive or not. */
	(void)!write(STDERR_FILENO, refusal, sizeof(refusal) - 1);
	_exit(2);
}
#endif
