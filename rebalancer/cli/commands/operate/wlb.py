"""`rebalancer wlb`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import rebalancer as rb
from rebalancer.cli.connecting import reaches_one_pool
from rebalancer.cli.options import RunAs, StateDir, Url

app = typer.Typer(help="Be the Workload Balancing server of pools.", no_args_is_help=True)

AccountsFile = Annotated[
    Path | None,
    typer.Option(
        "--accounts", metavar="FILE", help="Who may ask, see `wlb account` (default: wlb/accounts in the state folder)."
    ),
]
POLICY = Annotated[Path, typer.Argument(metavar="POLICY", help="The policy of all pools that ask (TOML).")]
USUAL = "127.0.0.1:8012"


@app.command()
def serve(
    policy: POLICY,
    *,
    listen: Annotated[
        str, typer.Option("--listen", metavar="ADDRESS", help="HOST:PORT; other hosts than loopback need TLS.")
    ] = USUAL,
    tls_cert: Annotated[
        Path | None, typer.Option("--tls-cert", metavar="FILE", help="Certificate, and those of its CA (PEM).")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", metavar="FILE", help="Its key (PEM).")] = None,
    accounts: AccountsFile = None,
    state_dir: StateDir = None,
) -> None:
    """Answer pools that ask where VMs should start and move.

    Until Ctrl-C. Pools connect by `wlb init`, or from XenCenter. It reads them, and moves nothing.
    """
    from rebalancer.cli.log import LogPriority, line
    from rebalancer.cli.opening import policy_of
    from rebalancer.cli.output import show_lines
    from rebalancer.cli.serving import accounts_file, assert_served
    from rebalancer.cli.stopping import asked_to_stop

    assert_served()
    from rebalancer.wlb.server import ServerSettings, serving
    from rebalancer.wlb.serving import Listen

    settings = ServerSettings(
        policy=policy_of(policy),
        base=policy.parent,
        accounts=accounts or accounts_file(state_dir),
        state_dir=state_dir,
        told=lambda words: typer.echo(line(words, LogPriority.WARNING), err=True),
    )
    listening = Listen(address=listen, certificate=tls_cert, key=tls_key)
    with asked_to_stop() as stop, serving(settings, listening) as address:
        show_lines(f"listening on {address}")
        stop.wait()


@app.command()
def account(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who may ask, such as `xapi`.")],
    *,
    accounts: AccountsFile = None,
    state_dir: StateDir = None,
) -> None:
    """Let somebody ask: keep a name and the hash of a password.

    The password is asked for, or read from the first line of standard input. One of the same name is replaced; a server
    that runs hears of it when it starts anew.
    """
    from rebalancer.cli.output import show_lines
    from rebalancer.cli.serving import accounts_file, assert_served, password_for, put_account

    assert_served()
    file = accounts or accounts_file(state_dir)
    put_account(file, name, password_for(name))
    show_lines(f"{name} may ask; see {file}")


@app.command()
@reaches_one_pool
def init(
    url: Url,
    server: Annotated[str, typer.Argument(metavar="SERVER", help="HOST:PORT of the server, as the pool reaches it.")],
    *,
    account: Annotated[
        Path,
        typer.Option(
            "--account",
            metavar="FILE",
            help="File with the account at the server: its name on the first line, the password on the second.",
        ),
    ],
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Have the pool verify the server's certificate, by the CAs that it trusts."),
    ] = False,
    connection: rb.Connection,
) -> None:
    """Have a pool ask a Workload Balancing server.

    The pool tells the server how to get in: with the user and the password that log in here.
    """
    from rebalancer.cli.output import show_lines
    from rebalancer.wlb.connecting import have_ask

    found = have_ask(url, connection, server, rb.Credentials.from_file(account), verify=verify)
    checked = "verified" if found.verifies else "not verified"
    show_lines(f"the pool asks {found.url} as {found.user}; the server's certificate is {checked}")


@app.command()
@reaches_one_pool
def disconnect(url: Url, *, connection: rb.Connection) -> None:
    """Have a pool ask nobody any more.

    The server is told, and forgets the pool; whatever it says, the pool forgets the server.
    """
    from rebalancer.cli.output import show_lines
    from rebalancer.wlb.connecting import have_asked

    show_lines(f"the pool asks {have_asked(url, connection)} no more")


@app.command()
def unit(
    *,
    program: Annotated[
        Path, typer.Option("--program", metavar="FILE", help="The command, where it is installed.")
    ] = Path("/opt/rebalancer/bin/rebalancer"),
    policy: Annotated[Path, typer.Option("--policy", metavar="FILE", help="The policy of all pools.")] = Path(
        "/etc/rebalancer/wlb.toml"
    ),
    listen: Annotated[str, typer.Option("--listen", metavar="ADDRESS", help="Where it listens.")] = "0.0.0.0:8012",
    tls_cert: Annotated[Path, typer.Option("--tls-cert", metavar="FILE", help="Its certificate (PEM).")] = Path(
        "/etc/rebalancer/wlb.pem"
    ),
    tls_key: Annotated[Path, typer.Option("--tls-key", metavar="FILE", help="Its key (PEM).")] = Path(
        "/etc/rebalancer/wlb.key"
    ),
    run_as: RunAs = "rebalancer",
) -> None:
    """Print a systemd unit that runs `wlb serve`."""
    from rebalancer.cli.serving import WlbUnit

    made = WlbUnit(program=program, policy=policy, listen=listen, certificate=tls_cert, key=tls_key, user=run_as)
    typer.echo(made.text, nl=False)
