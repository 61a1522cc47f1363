"""Accounts with Flask-Login, as tutorials write them. It is a target for authcheck, and is not to be copied:
docs/authcheck-flask.md says what it leaves open, and how to close it.

Start it with the path of a new database; it prints the address at which it listens on the loopback interface.
"""
import os
import sys

from flask import Flask, flash, redirect, render_template_string, request, url_for
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user, logout_user
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import FlaskForm
from werkzeug.security import check_password_hash, generate_password_hash
from werkzeug.serving import make_server
from wtforms import BooleanField, PasswordField, StringField, SubmitField
from wtforms.validators import DataRequired, EqualTo, Length, ValidationError

app = Flask(__name__)
app.config["SECRET_KEY"] = os.urandom(32)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///" + os.path.abspath(sys.argv[1])

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


@login_manager.user_loader
def load_user(user_id):
    return db.session.get(User, int(user_id))


class SignupForm(FlaskForm):
    email = StringField("Email", validators=[DataRequired(), Length(max=120)])
    password = PasswordField("Password", validators=[DataRequired()])
    password2 = PasswordField("Repeat password", validators=[DataRequired(), EqualTo("password")])
    submit = SubmitField("Sign up")

    def validate_email(self, field):
        if User.query.filter_by(email=field.data).first() is not None:
            raise ValidationError("Please use a different email address.")


class LoginForm(FlaskForm):
    email = StringField("Email", validators=[DataRequired()])
    password = PasswordField("Password", validators=[DataRequired()])
    remember = BooleanField("Remember me")
    submit = SubmitField("Log in")


class PasswordForm(FlaskForm):
    old = PasswordField("Old password", validators=[DataRequired()])
    new = PasswordField("New password", validators=[DataRequired()])
    submit = SubmitField("Change password")


PAGE = """<!doctype html>
<title>{{ title }}</title>
<nav>
{% if current_user.is_authenticated %}
<a href="{{ url_for('profile') }}">Profile</a>
<a href="{{ url_for('password') }}">Password</a>
<a href="{{ url_for('logout') }}">Log out</a>
{% else %}
<a href="{{ url_for('login') }}">Log in</a>
<a href="{{ url_for('signup') }}">Sign up</a>
{% endif %}
</nav>
{% for message in get_flashed_messages() %}<p>{{ message }}</p>{% endfor %}
<h1>{{ title }}</h1>
{% if text %}<p>{{ text }}</p>{% endif %}
{% if form %}
<form method="post">
{{ form.hidden_tag() }}
{% for field in form if field.widget.input_type != "hidden" %}
<p>{{ field.label }} {{ field() }} {% for error in field.errors %}<b>{{ error }}</b>{% endfor %}</p>
{% endfor %}
</form>
{% endif %}
"""


def page(title, form=None, text=None):
    return render_template_string(PAGE, title=title, form=form, text=text)


@app.route("/")
def index():
    return page("Welcome")


@app.route("/signup", methods=["GET", "POST"])
def signup():
    if current_user.is_authenticated:
        return redirect(url_for("profile"))
    form = SignupForm()
    if form.validate_on_submit():
        user = User(email=form.email.data)
        user.set_password(form.password.data)
        db.session.add(user)
        db.session.commit()
        flash("You have an account now. Please log in.")
        return redirect(url_for("login"))
    return page("Sign up", form)


@app.route("/login", methods=["GET", "POST"])
def login():
    if current_user.is_authenticated:
        return redirect(url_for("profile"))
    form = LoginForm()
    if form.validate_on_submit():
        user = User.query.filter_by(email=form.email.data).first()
        if user is None or not user.check_password(form.password.data):
            flash("Invalid email or password")
            return redirect(url_for("login"))
        login_user(user, remember=form.remember.data)
        return redirect(request.args.get("next") or url_for("profile"))
    return page("Log in", form)


@app.route("/logout")
@login_required
def logout():
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
    if form.validate_on_submit():
        if not current_user.check_password(form.old.data):
            flash("Invalid password")
            return redirect(url_for("password"))
        current_user.set_password(form.new.data)
        db.session.commit()
        flash("Your password has been changed.")
        return redirect(url_for("profile"))
    return page("Password", form)


if __name__ == "__main__":
    with app.app_context():
        db.create_all()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    print("http://127.0.0.1:%d" % server.port, flush=True)
    server.serve_forever()
