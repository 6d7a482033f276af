"""Who somebody is: by token, by session, or by being at this machine."""

from datetime import timedelta

import pytest

from ktrdr.api.authentication import COOKIE, is_loopback
from ktrdr.api.main import create_app
from ktrdr.schemas import Role, TokenStart
from ktrdr.settings import Settings
from tests.unit.api.conftest import ELSEWHERE, client_of, token_of

pytestmark = pytest.mark.anyio

WHO = "/api/v1/session"
CANCEL = "/api/v1/operations/zzz/cancel"
SAME_ORIGIN = {"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-origin"}


async def test_without_token_somebody_here_is_admin(client):
    found = (await client.get(WHO)).json()
    assert found == {"name": "local", "role": "admin", "method": "local"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "ktrdr.example:8000"},
        {"Host": "127.0.0.1.example"},
        {"Host": ""},
        {"Host": "[oops"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"X-Forwarded-For": "198.51.100.4"},
        {"Forwarded": "for=198.51.100.4"},
    ],
)
async def test_who_only_seems_to_be_here_needs_a_token(idle_app, headers):
    async with client_of(idle_app, **headers) as client:
        assert (await client.get(WHO)).status_code == 401


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000"])
async def test_names_of_this_machine_are_fine(idle_app, host):
    async with client_of(idle_app, address=("::1", 1), Host=host) as client:
        assert (await client.get(WHO)).status_code == 200


async def test_where_others_are_served_nobody_is_local(tmp_path):
    app = create_app(Settings(home=tmp_path, host="0.0.0.0"))
    async with client_of(app) as client:
        assert (await client.get(WHO)).status_code == 401


async def test_behind_a_proxy_nobody_is_local(tmp_path):
    # Many proxies pass requests on without a word about where they come from.
    app = create_app(Settings(home=tmp_path, trusted_proxies="127.0.0.1"))
    async with client_of(app) as client:
        assert (await client.get(WHO)).status_code == 401


async def test_elsewhere_a_token_is_needed(running, tokens):
    async with client_of(running, address=ELSEWHERE) as client:
        response = await client.get(WHO)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.json()["code"] == "not_authenticated"
    token = await token_of(tokens, Role.VIEWER, "nightly")
    async with client_of(running, address=ELSEWHERE, token=token) as client:
        found = (await client.get(WHO)).json()
    assert found == {"name": "nightly", "role": "viewer", "method": "token"}


async def test_a_token_counts_here_too(running, tokens):
    token = await token_of(tokens, Role.VIEWER)
    async with client_of(running, token=token) as client:
        assert (await client.get("/api/v1/tokens")).status_code == 403
    async with client_of(running, token=f"{token[:-1]}-") as client:
        assert (await client.get(WHO)).status_code == 401
    async with client_of(running, Authorization="Basic YTpi") as client:
        assert (await client.get(WHO)).status_code == 401


async def test_a_token_is_worth_nothing_once_revoked_or_expired(
    running, tokens, database
):
    for name, change in (
        ("revoked", "UPDATE ktrdr.tokens SET revoked_at = now() WHERE name = %s"),
        ("expired", "UPDATE ktrdr.tokens SET expires_at = now() WHERE name = %s"),
    ):
        token = await token_of(tokens, Role.ADMIN, name)
        async with client_of(running, token=token) as client:
            assert (await client.get(WHO)).status_code == 200
            async with database.connection() as connection:
                await connection.execute(change, [name])
            assert (await client.get(WHO)).status_code == 401


async def test_the_use_of_a_token_is_noted_once_a_minute(running, tokens, database):
    token = await token_of(tokens, Role.VIEWER)
    assert (await tokens.list())[0].last_used_at is None
    async with client_of(running, token=token) as client:
        await client.get(WHO)
        first = (await tokens.list())[0].last_used_at
        await client.get(WHO)
        assert (await tokens.list())[0].last_used_at == first is not None
        async with database.connection() as connection:
            await connection.execute(
                "UPDATE ktrdr.tokens SET last_used_at = now() - interval '61 seconds'"
            )
        await client.get(WHO)
    later = (await tokens.list())[0].last_used_at
    assert later is not None
    assert later >= first


async def test_tokens_are_made_shown_once_and_revoked(client, database):
    made = await client.post(
        "/api/v1/tokens", json={"name": "ci", "role": "operator", "expires_days": 7}
    )
    assert made.status_code == 201
    document = made.json()
    assert document["token"].startswith(f"ktrdr_{document['id']}_")
    async with database.connection() as connection:
        cursor = await connection.execute("SELECT * FROM ktrdr.tokens")
        row = await cursor.fetchone()
    assert document["token"] not in str(row)
    assert row["expires_at"] - row["created_at"] == timedelta(days=7)
    listed = (await client.get("/api/v1/tokens")).json()["items"]
    assert [one["name"] for one in listed] == ["ci"]
    assert "token" not in listed[0]
    again = await client.post("/api/v1/tokens", json={"name": "ci", "role": "viewer"})
    assert again.status_code == 409
    revoked = (await client.delete("/api/v1/tokens/ci")).json()
    assert revoked["revoked_at"] is not None
    assert (await client.delete("/api/v1/tokens/ci")).json() == revoked
    assert (await client.delete("/api/v1/tokens/none")).status_code == 404


@pytest.mark.parametrize("depth", [40, 500, 900])
async def test_a_login_nested_deeply_is_refused(client, depth):
    body = '{"token":' + "[" * depth + "]" * depth + "}"
    kind = {"Content-Type": "application/json"}
    response = await client.post(WHO, content=body, headers=kind)
    assert response.status_code == 422
    assert "within 32 others" in response.json()["detail"]


async def test_odd_tokens_are_refused(client):
    for change in (
        {"name": "local"},
        {"name": "a b"},
        {"role": "root"},
        {"expires_days": 0},
        {"expires_days": "7"},
        {"secret": "mine"},
    ):
        start = {"name": "a", "role": "viewer", **change}
        response = await client.post("/api/v1/tokens", json=start)
        assert response.status_code == 422, change


@pytest.fixture
async def browser(running, tokens):
    """Somebody elsewhere who has logged in as an operator."""
    token = await token_of(tokens, Role.OPERATOR, "mara")
    async with client_of(running, address=ELSEWHERE) as client:
        response = await client.post(WHO, json={"token": token})
        assert response.status_code == 201
        assert response.json()["name"] == "mara"
        cookie = response.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Secure" not in cookie
        yield client


async def test_a_session_may_look(browser):
    found = (await browser.get(WHO)).json()
    assert found == {"name": "mara", "role": "operator", "method": "session"}


async def test_a_session_changes_things_from_our_pages_only(browser):
    for headers, status in (
        (SAME_ORIGIN, 404),
        ({"Sec-Fetch-Site": "same-origin"}, 404),
        ({"Origin": "http://localhost:8000"}, 404),
        ({}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 403),
    ):
        response = await browser.post(CANCEL, headers=headers)
        assert response.status_code == status, headers


async def test_a_session_ends_with_logout_or_with_its_token(browser, tokens):
    cookie = browser.cookies[COOKIE]
    response = await browser.delete(WHO, headers=SAME_ORIGIN)
    assert response.status_code == 204
    assert COOKIE not in browser.cookies
    kept = {"Cookie": f"{COOKIE}={cookie}"}
    assert (await browser.get(WHO, headers=kept)).status_code == 401
    token = await token_of(tokens, Role.VIEWER)
    await browser.post(WHO, json={"token": token})
    assert (await browser.get(WHO)).status_code == 200
    await tokens.revoke("a-viewer")
    assert (await browser.get(WHO)).status_code == 401


async def test_a_session_lasts_no_longer_than_its_token(tokens, database):
    made = await tokens.create(TokenStart(name="short", role=Role.VIEWER))
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE ktrdr.tokens SET expires_at = now() + interval '1 hour'"
        )
    session = await tokens.log_in(made.token)
    async with database.connection() as connection:
        cursor = await connection.execute(
            "SELECT s.expires_at = t.expires_at AS fits "
            "FROM ktrdr.sessions AS s JOIN ktrdr.tokens AS t ON t.id = s.token_id"
        )
        assert await cursor.fetchone() == {"fits": True}
        await connection.execute("UPDATE ktrdr.sessions SET expires_at = now()")
    assert await tokens.find_session(session.secret) is None


async def test_over_https_the_cookie_is_for_https_alone(running, tokens):
    token = await token_of(tokens, Role.VIEWER)
    async with client_of(running, address=ELSEWHERE) as client:
        client.base_url = "https://ktrdr.example"
        response = await client.post(WHO, json={"token": token})
    assert "Secure" in response.headers["set-cookie"]


async def test_failed_logins_are_few(running, tokens):
    token = await token_of(tokens, Role.VIEWER)
    async with client_of(running, address=ELSEWHERE) as client:
        wrong = [
            (await client.post(WHO, json={"token": "ktrdr_no"})).status_code
            for _ in range(12)
        ]
        assert wrong == [401] * 10 + [429] * 2
        response = await client.post(WHO, json={"token": token})
        assert response.status_code == 429
        assert 0 < int(response.headers["retry-after"]) <= 61
    async with client_of(running, address=("198.51.100.9", 1)) as other:
        assert (await other.post(WHO, json={"token": token})).status_code == 201


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("[::1]", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.7", False),
        ("example.com", False),
        ("", False),
    ],
)
def test_loopback(host, expected):
    assert is_loopback(host) is expected
