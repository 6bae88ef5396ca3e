"""The shop. `zappa_settings.toml` names `shop.app`; tests call `create_app`."""

import os

from flask import Flask

from shop import api, errors, files, pages

# Fixed, not random: a session signed by one sandbox must be readable in the next one.
DEVELOPMENT_SECRET_KEY = "development only, not a secret"


def create_app():
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=os.environ.get("SECRET_KEY") or DEVELOPMENT_SECRET_KEY,
        SESSION_COOKIE_SECURE=os.environ.get("SESSION_COOKIE_SECURE") == "1",
        # With Lax, browsers leave the cookie out of forms posted from other sites.
        SESSION_COOKIE_SAMESITE="Lax",
        # API Gateway and Lambda together pass on about 4.5 MB of binary body.
        MAX_CONTENT_LENGTH=4_500_000,
    )
    if app.config["SECRET_KEY"] == DEVELOPMENT_SECRET_KEY:
        app.logger.warning("SECRET_KEY is not set: sessions can be forged by anybody who reads the source")
    app.register_blueprint(api.blueprint)
    app.register_blueprint(files.blueprint)
    app.register_blueprint(pages.blueprint)
    errors.register(app)
    return app


app = create_app()
