import pytest

# Suites are imported by test modules: their assertions are to tell as much as those of a test module.
pytest.register_assert_rewrite("tests.contract.store_suite", "tests.contract.telephony_suite")
