"""The page about the operations is the one that the declarations make."""

from tests.tools.draw_operations import FILE, page


def test_the_page_is_up_to_date():
    assert FILE.read_text("utf-8") == page(), "Run 'python -m tests.tools.draw_operations' and commit the page."
