from ktrdr.workers.identity import misfit, worker_build


def test_a_backend_of_the_same_release_fits_whatever_its_commit():
    assert misfit({**worker_build(), "commit": "other"}) is None


def test_a_backend_that_never_announced_itself_is_not_judged():
    assert misfit(None) is None


def test_another_release_is_told_with_what_to_do():
    reason = misfit({**worker_build(), "version": "9.9.9"}) or ""
    assert "version" in reason
    assert "the backend 9.9.9" in reason
    assert "install ktrdr 9.9.9" in reason


def test_another_protocol_does_not_fit():
    assert "protocol" in (misfit({**worker_build(), "protocol": 99}) or "")
