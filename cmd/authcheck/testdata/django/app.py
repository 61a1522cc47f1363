"""Accounts with the views of django.contrib.auth, in one file. It is a target for authcheck: see docs/authcheck-flask.md.

Start it with the path of a folder, where it keeps its database and, in mails/, the mails it sends; it prints the address at
which it listens on the loopback interface.
"""
import os
import secrets
import sys

import django
from django.conf import settings

FOLDER = os.path.abspath(sys.argv[1])
os.makedirs(os.path.join(FOLDER, "mails"), exist_ok=True)

BASE = """<!doctype html>
<title>{{ title }}</title>
<nav>
{% if user.is_authenticated %}<a href="{% url 'profile' %}">Profile</a> <a href="{% url 'logout' %}">Log out</a>
{% else %}<a href="{% url 'login' %}">Log in</a> <a href="{% url 'signup' %}">Sign up</a>{% endif %}
</nav>
"""
FORM = BASE + """
<form method="post">{% csrf_token %}{{ form.as_p }}
{% if next %}<input type="hidden" name="next" value="{{ next }}">{% endif %}
<button>Send</button></form>
"""
TEMPLATES = {
    "index.html": BASE + "<h1>Welcome</h1>",
    "registration/signup.html": FORM,
    "registration/login.html": FORM,
    "registration/password_change_form.html": FORM,
    "registration/password_change_done.html": BASE + "<p>Your password has been changed.</p>",
    "registration/password_reset_form.html": FORM,
    "registration/password_reset_done.html": BASE + "<p>We have sent a mail, if there is such an account.</p>",
    "registration/password_reset_email.html": "{{ protocol }}://{{ domain }}{% url 'password_reset_confirm' uid token %}\n",
    "registration/password_reset_subject.txt": "A new password",
    "registration/password_reset_confirm.html": FORM,
    "registration/password_reset_complete.html": BASE + "<p>Your password has been set.</p>",
    "registration/profile.html": BASE + "<p>Hello, {{ user.email }}</p>",
}

settings.configure(
    SECRET_KEY=secrets.token_urlsafe(32),
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF="__main__",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.path.join(FOLDER, "db.sqlite3")}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages"],
    # What django-admin startproject writes.
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    TEMPLATES=[{
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "loaders": [("django.template.loaders.locmem.Loader", TEMPLATES)],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }],
    AUTH_PASSWORD_VALIDATORS=[
        {"NAME": "django.contrib.auth.password_validation." + name}
        for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator",
                     "CommonPasswordValidator", "NumericPasswordValidator")
    ],
    EMAIL_BACKEND="__main__.Folder",
    LOGIN_REDIRECT_URL="profile",
    LOGIN_URL="login",
    LOGOUT_REDIRECT_URL="index",
)
django.setup()

from django.contrib.auth.decorators import login_required  # noqa: E402
from django.contrib.auth.forms import UserCreationForm  # noqa: E402
from django.contrib.auth.views import (  # noqa: E402
    LoginView, LogoutView, PasswordChangeDoneView, PasswordChangeView, PasswordResetCompleteView,
    PasswordResetConfirmView, PasswordResetDoneView, PasswordResetView)
from django.core.mail.backends.base import BaseEmailBackend  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.shortcuts import redirect  # noqa: E402
from django.urls import path  # noqa: E402
from django.views.generic import CreateView, TemplateView  # noqa: E402


class Folder(BaseEmailBackend):
    """Leaves each mail as a file .eml."""

    def send_messages(self, messages):
        for message in messages:
            name = os.path.join(FOLDER, "mails", secrets.token_hex(8))
            with open(name + ".part", "wb") as f:
                f.write(message.message().as_bytes())
            os.rename(name + ".part", name + ".eml")
        return len(messages)


class SignupForm(UserCreationForm):
    """People log in with their address, which is their name."""

    def save(self, commit=True):
        self.instance.email = self.instance.username
        return super().save(commit)


class Signup(CreateView):
    form_class = SignupForm
    template_name = "registration/signup.html"

    def form_valid(self, form):
        form.save()
        return redirect("login")


urlpatterns = [
    path("", TemplateView.as_view(template_name="index.html"), name="index"),
    path("signup", Signup.as_view(), name="signup"),
    path("login", LoginView.as_view(), name="login"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("profile", login_required(TemplateView.as_view(template_name="registration/profile.html")), name="profile"),
    path("password", PasswordChangeView.as_view(), name="password_change"),
    path("password/done", PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("forgot", PasswordResetView.as_view(), name="password_reset"),
    path("forgot/done", PasswordResetDoneView.as_view(), name="password_reset_done"),
    path("reset/<uidb64>/<token>", PasswordResetConfirmView.as_view(), name="password_reset_confirm"),
    path("reset/done", PasswordResetCompleteView.as_view(), name="password_reset_complete"),
]

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
    server.set_app(get_wsgi_application())
    print("http://127.0.0.1:%d" % server.server_port, flush=True)
    server.serve_forever()
