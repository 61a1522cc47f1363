#!/usr/bin/python3
"""Makes flask.sql and django.sql, with the libraries themselves: what SQLite dumps of their databases.

    ./make.py flask >flask.sql
    ./make.py django >django.sql

Made with Werkzeug 2.2.2, Flask-SQLAlchemy 3.0.3 and Django 3.2.25. The passwords are those of importer_test.go.
"""
import datetime
import sqlite3
import sys
import tempfile

WHEN = datetime.datetime(2021, 3, 4, 5, 6, 7, 890123)


def flask(path):
    from flask import Flask
    from flask_sqlalchemy import SQLAlchemy
    from werkzeug.security import generate_password_hash

    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///" + path
    db = SQLAlchemy(app)

    class User(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        email = db.Column(db.String(120), unique=True, nullable=False)
        name = db.Column(db.String(80))
        password_hash = db.Column(db.String(128))
        active = db.Column(db.Boolean, nullable=False, default=True)
        created_at = db.Column(db.DateTime, nullable=False)
        confirmed_at = db.Column(db.DateTime)

    class Order(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        user_id = db.Column(db.ForeignKey("user.id"))

    with app.app_context():
        db.create_all()
        for n, (email, password, method, active, confirmed) in enumerate([
            ("Ann@Example.com", "window tractor ocean violin", "pbkdf2:sha256", True, WHEN),
            ("bob@example.com", "пароль café 密碼", "pbkdf2:sha512:1000", True, None),
            ("carol@example.com", "twelve purple elephants", "pbkdf2:sha1:1000", False, WHEN),
            ("dave@example.com", None, None, True, WHEN),
        ]):
            db.session.add(User(
                email=email, name=email.split("@")[0], active=active, confirmed_at=confirmed,
                created_at=WHEN + datetime.timedelta(days=n),
                password_hash=password and generate_password_hash(password, method)))
        db.session.add(Order(user_id=1))
        db.session.commit()


def django(path):
    import django
    from django.conf import settings

    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": path}},
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"], USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        PASSWORD_HASHERS=["django.contrib.auth.hashers." + name for name in (
            "PBKDF2PasswordHasher", "PBKDF2SHA1PasswordHasher", "UnsaltedMD5PasswordHasher")])
    django.setup()
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection, models

    PBKDF2PasswordHasher.iterations = 1000  # for quick tests
    call_command("migrate", verbosity=0)
    joined = WHEN.replace(tzinfo=datetime.timezone.utc)
    for n, (username, password, hasher, active) in enumerate([
        ("ann", "window tractor ocean violin", "pbkdf2_sha256", True),
        ("bob", "пароль café 密碼", "pbkdf2_sha1", True),
        ("carol", "twelve purple elephants", "pbkdf2_sha256", False),
        ("dave", None, "pbkdf2_sha256", True),
    ]):
        User.objects.create(
            username=username, email=username + "@example.com", is_active=active,
            password=make_password(password, hasher=hasher), date_joined=joined + datetime.timedelta(days=n))

    class Member(AbstractBaseUser):
        email = models.EmailField(unique=True)
        is_active = models.BooleanField(default=True)
        date_joined = models.DateTimeField()
        USERNAME_FIELD = "email"

        class Meta:
            app_label = "accounts"

    with connection.schema_editor() as editor:
        editor.create_model(Member)
    Member.objects.create(email="erin@example.com", password=make_password("twelve purple elephants"), date_joined=joined)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        path = folder + "/app.db"
        {"flask": flask, "django": django}[sys.argv[1]](path)
        for line in sqlite3.connect(path).iterdump():
            print(line)
