"""Bad configuration and a bad environment: the exit status, one sentence, and nothing touched."""

import os
import subprocess
import unittest

from testbed import Bed, configuration
from testbed.daemon import PRODUCTS


class ExitStatus(unittest.TestCase):
    """fastpathd in a namespace that has only the interface `core`."""

    @classmethod
    def setUpClass(cls):
        cls.bed = Bed()
        cls.addClassCleanup(cls.bed.close)
        cls.lma, cls.other = cls.bed.namespace("lma"), cls.bed.namespace("other")
        cls.bed.link(cls.lma, "core", cls.other, "core")
        cls.bed.link(cls.lma, "transport1", cls.other, "transport1", mtu=1600)

    def start(self, settings, *, arguments=(), unprivileged=False):
        """Runs fastpathd to its end with a configuration. Returns (exit status, standard error, path of the file)."""
        path = self.bed.path("bad.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(settings if isinstance(settings, str) else settings.text(self.bed.path("bad.sock")))
        command = [os.path.join(PRODUCTS, "fastpathd"), "--config", path, *arguments]
        if unprivileged:
            # Same user, no capability: what a missing file capability or a container without NET_ADMIN looks like.
            command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *command]
        done = subprocess.run(
            self.lma.command(command), capture_output=True, text=True, timeout=20, check=False, stdin=subprocess.DEVNULL
        )
        return done.returncode, done.stderr, path

    def assert_untouched(self):
        self.assertNotIn("xdp", self.lma.run(["ip", "link", "show"]).stdout)
        self.assertFalse(os.path.exists(self.bed.path("bad.sock")))

    def assert_configuration_error(self, settings, key):
        """Exit status 1 and `FILE: key: rule`, live and with --check-config."""
        for arguments in ((), ("--check-config",)):
            with self.subTest(key=key, arguments=arguments):
                status, words, path = self.start(settings, arguments=arguments)
                self.assertEqual(status, 1, words)
                self.assertRegex(words, rf"(?m){path}: [^\n]*{key}[^\n]*: \S", "FILE: key: rule")
                self.assert_untouched()

    two_ports = [configuration.port("core", "core"), configuration.port("transport1", "transport")]

    def good(self, **changes):
        return configuration.lma(ports=self.two_ports).with_(**changes)

    def test_good_configuration_passes_the_check(self):
        status, words, _ = self.start(self.good(), arguments=("--check-config",))
        self.assertEqual(status, 0, words)
        self.assert_untouched()

    def test_unknown_key(self):
        self.assert_configuration_error(self.good(colour="blue"), "colour")

    def test_repeated_key(self):
        self.assert_configuration_error(self.good().text() + "role: mag\n", "role")

    def test_value_out_of_its_list(self):
        self.assert_configuration_error(self.good(role="home-agent"), "role")

    def test_bad_address(self):
        self.assert_configuration_error(self.good(local_addresses=["2001:db8::zz"]), "local-addresses")

    def test_prefix_with_host_bits(self):
        self.assert_configuration_error(self.good(pools=["2001:db8:100::1/48"]), "pools")

    def test_same_port_name_twice(self):
        ports = [*self.two_ports, configuration.port("core", "core", interface="other")]
        self.assert_configuration_error(self.good(ports=ports), "ports")

    def test_missing_role(self):
        text = "".join(line for line in self.good().text().splitlines(True) if not line.startswith("role"))
        self.assert_configuration_error(text, "role")

    def test_missing_file(self):
        done = subprocess.run(
            [os.path.join(PRODUCTS, "fastpathd"), "--config", self.bed.path("absent.yaml")],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("absent.yaml", done.stderr)

    def test_missing_interface(self):
        ports = [*self.two_ports, configuration.port("second", "transport", interface="absent0")]
        status, words, _ = self.start(self.good(ports=ports))
        self.assertEqual(status, 2, words)
        self.assertIn("absent0", words)
        self.assert_untouched()

    def test_missing_privilege(self):
        status, words, _ = self.start(self.good(), unprivileged=True)
        self.assertEqual(status, 2, words)
        self.assertRegex(words, r"(?i)cap_|privilege|root")
        self.assert_untouched()

    def test_fastpathctl_without_a_daemon(self):
        done = subprocess.run(
            [os.path.join(PRODUCTS, "fastpathctl"), "--socket", self.bed.path("nobody.sock"), "status"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("nobody.sock", done.stderr)


if __name__ == "__main__":
    unittest.main()
