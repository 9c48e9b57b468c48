from .coverage_case import CoverageCase as CoverageCase
from .coverage_case import CoverageCell as CoverageCell
from .coverage_page import check_page as check_page
from .coverage_page import coverage_section as coverage_section
from .coverage_page import write_coverage_section as write_coverage_section
from .coverage_run import STATISTICS_CASES as STATISTICS_CASES
from .coverage_run import run_coverage as run_coverage
