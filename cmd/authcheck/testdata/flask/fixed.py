"""The application of app.py, with what authcheck finds there put right: docs/authcheck-flask.md goes through it.

The limits are in the memory of one process here, and the list of passwords is short; an application that runs in several
processes keeps the first in its database or in Redis, and takes a longer list.
"""
import hashlib
import os
import secrets
import sys
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from flask import Flask, abort, flash, redirect, render_template_string, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user, logout_user
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect, FlaskForm
from werkzeug.security import check_password_hash, generate_password_hash
from werkzeug.serving import WSGIRequestHandler, make_server
from wtforms import BooleanField, HiddenField, PasswordField, StringField, SubmitField
from wtforms.validators import DataRequired, Length, ValidationError

HTTPS = os.environ.get("HTTPS") == "1"  # ended by a proxy

app = Flask(__name__)
app.config.update(
    SECRET_KEY=os.urandom(32),
    SQLALCHEMY_DATABASE_URI="sqlite:///" + os.path.abspath(sys.argv[1]),
    MAX_CONTENT_LENGTH=64 * 1024,
    SESSION_COOKIE_NAME="__Host-session" if HTTPS else "session",
    SESSION_COOKIE_SECURE=HTTPS,
    SESSION_COOKIE_SAMESITE="Lax",
    REMEMBER_COOKIE_NAME="__Host-remember" if HTTPS else "remember_token",
    REMEMBER_COOKIE_SECURE=HTTPS,
    REMEMBER_COOKIE_SAMESITE="Lax",
    REMEMBER_COOKIE_DURATION=timedelta(days=30),
)

db = SQLAlchemy(app)
login_manager = LoginManager(app)
login_manager.login_view = "login"


class User(UserMixin, db.Model):
    id = db.Column(db.Integer, primary_key=True)
    email = db.Column(db.String(120), unique=True, nullable=False)
    password_hash = db.Column(db.String(128), nullable=False)

    def set_password(self, password):
        self.password_hash = generate_password_hash(password)

    def check_password(self, password):
        return check_password_hash(self.password_hash, password)

    def get_id(self):
        """What Flask-Login keeps in its two cookies: the secret of one login, and not the number of the user."""
        return self.token


class Login(db.Model):
    """One for each browser. What is deleted here is logged out, whatever cookies somebody still has."""

    id = db.Column(db.Integer, primary_key=True)
    digest = db.Column(db.String(64), unique=True, nullable=False)
    user_id = db.Column(db.ForeignKey("user.id"), nullable=False)
    agent = db.Column(db.String(200))
    created = db.Column(db.DateTime, nullable=False, default=datetime.utcnow)


def digest(token):
    return hashlib.sha256(token.encode()).hexdigest()


@login_manager.user_loader
def load_user(token):
    login = Login.query.filter_by(digest=digest(token)).first()
    user = login and db.session.get(User, login.user_id)
    if user:
        user.token = token
    return user


def enter(user, remember=False):
    user.token = secrets.token_urlsafe(32)
    db.session.add(Login(digest=digest(user.token), user_id=user.id, agent=request.user_agent.string[:200]))
    db.session.commit()
    session.clear()
    login_user(user, remember=remember)


NOBODY = generate_password_hash("")
misses = {}


def verified(email, password):
    """Does the same work whether there is such a user, and stops after 15 wrong passwords, or 30 from one address."""
    keys = [("user", email), ("address", request.remote_addr)]
    if misses.get(keys[0], 0) >= 15 or misses.get(keys[1], 0) >= 30:
        abort(429)
    user = User.query.filter_by(email=email).first()
    if check_password_hash(user.password_hash if user else NOBODY, password) and user:
        misses.pop(keys[0], None)
        return user
    for key in keys:
        misses[key] = misses.get(key, 0) + 1


def local(target):
    """Reports whether a browser would stay on this site, which reads \\ as / and drops tabs and newlines."""
    if not target or target[0] != "/" or target[1:2] in ("/", "\\") or any(c <= " " or c in "\\\x7f" for c in target):
        return False
    return not urlsplit(target).netloc


COMMON = ("password", "iloveyou", "qwerty", "letmein", "welcome", "12345", "abc123", "admin", "dragon", "monkey", "football",
          "baseball", "sunshine", "princess", "trustno1", "1q2w3e", "111111", "asdf")


def good_password(form, field):
    if any(word in field.data.lower() for word in COMMON):
        raise ValidationError("That is among the passwords that are tried first.")


NEW_PASSWORD = [DataRequired(), Length(min=8, max=1024), good_password]


class SignupForm(FlaskForm):
    email = StringField("Email", validators=[DataRequired(), Length(max=120)])
    password = PasswordField("Password", validators=NEW_PASSWORD)
    submit = SubmitField("Sign up")


class LoginForm(FlaskForm):
    email = StringField("Email", validators=[DataRequired()])
    password = PasswordField("Password", validators=[DataRequired()])
    remember = BooleanField("Remember me")
    next = HiddenField()
    submit = SubmitField("Log in")


class PasswordForm(FlaskForm):
    old = PasswordField("Old password", validators=[DataRequired()])
    new = PasswordField("New password", validators=NEW_PASSWORD)
    submit = SubmitField("Change password")


PAGE = """<!doctype html>
<title>{{ title }}</title>
{% macro button(to, text) %}<form method="post" action="{{ to }}">
<input type="hidden" name="csrf_token" value="{{ csrf_token() }}"><button>{{ text }}</button></form>{% endmacro %}
<nav>
{% if current_user.is_authenticated %}
<a href="{{ url_for('profile') }}">Profile</a>
<a href="{{ url_for('password') }}">Password</a>
<a href="{{ url_for('sessions') }}">Sessions</a>
{{ button(url_for('logout'), 'Log out') }}
{% else %}
<a href="{{ url_for('login') }}">Log in</a>
<a href="{{ url_for('signup') }}">Sign up</a>
{% endif %}
</nav>
{% for message in get_flashed_messages() %}<p>{{ message }}</p>{% endfor %}
<h1>{{ title }}</h1>
{% if text %}<p>{{ text }}</p>{% endif %}
{% for login in logins %}{{ login.agent }} {{ button(url_for('revoke', id=login.id), 'End') }}{% endfor %}
{% if form %}
<form method="post">
{{ form.hidden_tag() }}
{% for field in form if field.widget.input_type != "hidden" %}
<p>{{ field.label }} {{ field() }} {% for error in field.errors %}<b>{{ error }}</b>{% endfor %}</p>
{% endfor %}
</form>
{% endif %}
"""


def page(title, form=None, text=None, logins=()):
    return render_template_string(PAGE, title=title, form=form, text=text, logins=logins)


@app.before_request
def refuse():
    """What no form of this site sends."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if request.content_length is None or request.content_length > app.config["MAX_CONTENT_LENGTH"]:
        abort(413)  # before anything reads the form
    origin = request.headers.get("Origin")
    ours = ("https://" if HTTPS else "http://") + request.host
    if origin not in (None, ours) or request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        abort(403)
    if any(len(values) > 1 for _, values in request.form.lists()):
        abort(400)


CSRFProtect(app)  # after refuse, since it reads the form


@app.after_request
def headers(response):
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    if HTTPS:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


@app.route("/")
def index():
    return page("Welcome")


@app.route("/signup", methods=["GET", "POST"])
def signup():
    form = SignupForm()
    if not form.validate_on_submit():
        return page("Sign up", form)
    user = User(email=form.email.data)
    user.set_password(form.password.data)
    if User.query.filter_by(email=user.email).first() is None:
        db.session.add(user)
        db.session.commit()
    return page("Thank you", text="You can log in now, unless there was such an account already.")


@app.route("/login", methods=["GET", "POST"])
def login():
    form = LoginForm()
    if request.method == "GET":
        form.next.data = request.args.get("next")
    if form.validate_on_submit():
        user = verified(form.email.data, form.password.data)
        if user:
            enter(user, form.remember.data)
            return redirect(form.next.data if local(form.next.data) else url_for("profile"))
        flash("Invalid email or password")
    return page("Log in", form)


@app.route("/logout", methods=["POST"])
@login_required
def logout():
    Login.query.filter_by(digest=digest(current_user.token)).delete()
    db.session.commit()
    logout_user()
    return redirect(url_for("index"))


@app.route("/profile")
@login_required
def profile():
    return page("Profile", text="Hello, " + current_user.email)


@app.route("/password", methods=["GET", "POST"])
@login_required
def password():
    form = PasswordForm()
    if not form.validate_on_submit():
        return page("Password", form)
    user = verified(current_user.email, form.old.data)
    if user is None:
        flash("Invalid password")
        return page("Password", form)
    user.set_password(form.new.data)
    Login.query.filter_by(user_id=user.id).delete()
    enter(user)
    flash("Your password has been changed.")
    return redirect(url_for("profile"))


@app.route("/sessions")
@login_required
def sessions():
    return page("Sessions", logins=Login.query.filter_by(user_id=current_user.id).all())


@app.route("/sessions/<int:id>/revoke", methods=["POST"])
@login_required
def revoke(id):
    Login.query.filter_by(user_id=current_user.id, id=id).delete()
    db.session.commit()
    return redirect(url_for("sessions"))


class Quiet(WSGIRequestHandler):
    """Tells no version."""

    def version_string(self):
        return "web"


if __name__ == "__main__":
    with app.app_context():
        db.create_all()
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    print("http://127.0.0.1:%d" % server.port, flush=True)
    server.serve_forever()
