/* Puts threads on CPUs: glibc declares that only under _GNU_SOURCE, which Swift does not set. */
#ifndef TABLE_CPIN_H
#define TABLE_CPIN_H

/* Moves the calling thread to one CPU. Returns 0 or a negative errno. */
int pin_thread(int cpu);

#endif
