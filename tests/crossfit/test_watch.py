import threading
from pathlib import Path

from ensemble_mm.crossfit._watch import Watch, _running


def test_a_job_that_is_done_in_time_is_not_late(tmp_path):
    watch = Watch(60.0, str(tmp_path))
    with watch.over(3):
        assert len(_running) == 1
    assert not _running and watch.late() == set() and watch.place(3) is None


def test_what_a_late_job_wrote_is_found_by_its_number(tmp_path):
    watch = Watch(60.0, str(tmp_path))
    (tmp_path / "7").write_text("File x.py, line 1")
    assert watch.late() == {"7"} and watch.place(7) == "File x.py, line 1" and watch.place(8) is None


def test_several_jobs_of_one_process_are_watched_at_once(tmp_path):
    watch, inside, leave = Watch(60.0, str(tmp_path)), threading.Barrier(3), threading.Event()

    def job(i):
        with watch.over(i):
            inside.wait(10)
            leave.wait(10)

    threads = [threading.Thread(target=job, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    inside.wait(10)
    assert sorted(Path(file.name).name for file in _running) == ["0", "1"]
    leave.set()
    for thread in threads:
        thread.join()
    assert not _running
