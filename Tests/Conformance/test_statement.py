"""docs/CONFORMANCE.md lists every requirement with a status that holds."""

import unittest

import statement


class Statement(unittest.TestCase):
    """The document, and what the check would find in a worse one."""

    @classmethod
    def setUpClass(cls):
        with open(statement.DOCUMENT, encoding="utf-8") as file:
            cls.text = file.read()
        cls.shown = statement.rows()

    def test_every_requirement_has_a_status_that_holds(self):
        self.assertEqual(statement.problems(self.text, self.shown), [], "run Tests/Conformance/statement.py")

    def test_there_are_requirements_and_rows(self):
        self.assertEqual(len(statement.requirements()), 260)
        self.assertGreater(len(self.shown), 130)

    def test_rows_are_of_requirements_that_exist(self):
        self.assertEqual(set(self.shown) - set(statement.requirements()), set())

    def broken(self, identifier, **changes):
        """The problems of a document in which this requirement's line is another."""
        lines = self.text.splitlines()
        number = next(n for n, line in enumerate(lines) if line.startswith(f"| {identifier} |"))
        entry = dict(
            zip(("identifier", "section", "strength", "status", "words"), statement.entries(lines[number]).__next__())
        )
        entry.update(changes)
        lines[number] = "| {identifier} | {section} | {strength} | {status} | {words} |".format(**entry)
        return statement.problems("\n".join(lines), self.shown)

    def test_a_missing_requirement_is_found(self):
        self.assertEqual(statement.problems(self.text.replace("| R2473-8 |", "|  |"), self.shown), ["R2473-8: missing"])

    def test_an_unknown_status_is_found(self):
        self.assertIn("'perhaps' is no status", self.broken("R2473-8", status="perhaps")[0])

    def test_later_without_a_reason_and_later_where_it_is_due_are_found(self):
        self.assertIn("without a word", self.broken("S-71", status="later", words="")[0])
        for identifier in ("R2473-8", "S-55", "S-20", "R6705-7", "R5949-10"):
            self.assertIn("is later", self.broken(identifier, status="later", words="no time")[0])
        self.assertEqual(self.broken("R5949-4", status="later", words="a should"), [])

    def test_a_test_that_is_not_there_is_found(self):
        self.assertIn("no test", self.broken("R2473-8", words="`Tests/Conformance/test_ecn.py: nobody`")[0])
        self.assertIn("there is no", self.broken("R2473-8", words="`Tests/nowhere.py` (1)")[0])
        self.assertIn("rows of it, not 999", self.broken("R2473-8", words="`Tests/Conformance/test_ecn.py` (999)")[0])
        self.assertIn("no test is named", self.broken("R2473-8", words="surely")[0])

    def test_rows_that_are_not_named_are_found(self):
        self.assertIn("is not named", " ".join(self.broken("R6040-3", words="`Tests/Conformance/rows.py: Row`")))


if __name__ == "__main__":
    unittest.main()
