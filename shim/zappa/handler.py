"""The function that Lambda calls. Importing this module is init: it imports the app. After that it only sorts events.

HTTP is all that is imported here. Everything else is in modules that are imported when such an event arrives.
"""

from __future__ import annotations

from .startup import start
from .wsgi import front_door, make_server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


def make_handler(app: Callable[..., Any], config: dict[str, Any]) -> Callable[[Any, Any], Any]:
    serve = make_server(app, config)

    def lambda_handler(event: Any, context: Any) -> Any:
        if isinstance(event, dict):
            if event.get("zappa") == "keep-warm":
                return {"zappa": "warm"}
            front = front_door(event)
            if front is not None:
                return serve(event, context, front)
        from .events import dispatch

        return dispatch(event, context, config, serve)

    return lambda_handler


lambda_handler = make_handler(*start())
