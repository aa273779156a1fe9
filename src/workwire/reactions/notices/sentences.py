"""What the codes of notices say."""

from workwire.kernel.wording import register

register("notices", refusals={"notice_not_found": "There is no such notice."})
