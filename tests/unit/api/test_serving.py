"""What the server listens on."""

import socket

from ktrdr.api.serving import listening


def test_answers_are_not_held_back_until_the_last_one_is_acknowledged():
    with (
        listening("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
