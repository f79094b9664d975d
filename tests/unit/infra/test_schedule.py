"""Jobs run again and again, survive their failures, and stop at once."""

from threading import Event, Thread
from time import monotonic

from infra.processes.schedule import Job, run


def running(*jobs: Job) -> tuple[Event, Thread]:
    stop = Event()
    thread = Thread(target=run, args=(jobs, stop), daemon=True)
    thread.start()
    return stop, thread


def test_a_failing_job_is_tried_again_and_disturbs_no_other() -> None:
    failed, done, enough = [0], [0], Event()

    def fail(_: Event) -> None:
        failed[0] += 1
        raise RuntimeError("on purpose")

    def work(_: Event) -> None:
        done[0] += 1
        if failed[0] >= 3 and done[0] >= 3:
            enough.set()

    stop, thread = running(Job("fail", 0.01, fail), Job("work", 0.01, work))
    assert enough.wait(5)
    stop.set()
    thread.join(2)
    assert not thread.is_alive()


def test_it_stops_within_a_second_even_while_a_job_is_at_work() -> None:
    started, never = Event(), Event()

    def long(_: Event) -> None:
        started.set()
        never.wait(60)

    stop, thread = running(Job("long", 1, long), Job("seldom", 3600, lambda _: None))
    assert started.wait(5)
    began = monotonic()
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert monotonic() - began < 1
    never.set()
