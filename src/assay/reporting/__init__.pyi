from .fragments import html_of as html_of
from .fragments import html_of_run as html_of_run
from .qk_page import render_qk_page as render_qk_page
from .qk_page import write_qk_page as write_qk_page
from .report_page import Fact as Fact
from .report_page import Page as Page
from .report_page import render_page as render_page
from .report_page import write_page as write_page
