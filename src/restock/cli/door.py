"""How every command ends: what went wrong in one message, and an exit code that means something.

====  ===========================================================================
code  meaning
====  ===========================================================================
0     done
1     ``check --strict`` found rows to quarantine
2     the command, a setting or the input cannot be used; the message says why
130   interrupted with Ctrl-C; run again to go on
====  ===========================================================================
"""

import errno
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from restock.errors import RestockError

__all__ = ["INTERRUPTED", "USER_ERROR", "Door"]

USER_ERROR = 2
INTERRUPTED = 130

# what the machine refuses is no fault of restock, and a traceback would not help
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}


class Door(TyperGroup):
    """The group of all commands; turns errors made on purpose into messages on stderr."""

    # click's own context, vendored by newer versions of typer
    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except RestockError as error:
            _leave(f"error: {error}", USER_ERROR, error)
        except OSError as error:
            if error.errno not in _REFUSED:
                raise
            place = "" if error.filename is None else f" at {error.filename}"
            _leave(
                f"error: the system refused{place}: {error.strerror}. Name a folder that you may"
                " write to, with space left.",
                USER_ERROR,
                error,
            )
        except KeyboardInterrupt as error:
            _leave(
                "interrupted: finished steps are kept; run the same command again to go on.",
                INTERRUPTED,
                error,
            )


def _leave(message: str, code: int, cause: BaseException) -> None:
    sys.stdout.flush()
    typer.echo(message, err=True)
    raise typer.Exit(code) from cause
