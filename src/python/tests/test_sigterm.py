"""SIGTERM: the last save is there afterwards, whatever threads and runs the program has, and however often it is told. On a real gateway."""

import os
import signal
import subprocess
import sys
import textwrap
import time
import unittest

from cases import SAID, ChainTestCase
from ciuic_snapshot_chain import CiuicSnapshotChain
from ciuic_snapshot_chain.sigterm import REPEATS

BEFORE = """
    import os, signal, sys, threading, time, torch
    from ciuic_snapshot_chain import CiuicSnapshotChain, InvalidInput
    def opened(run=RUN, **more):
        return CiuicSnapshotChain({"save_every_steps": 100_000, **SAID, **more}, run)
    def state(step, size=1_000):
        return {"model": {"w": torch.full((size,), float(step))}, "step": step}
    def train(chain, pause=0.02, said=print):
        for step in range(1, 100_000):
            time.sleep(pause)
            if step == 3:
                said("training", flush=True)
            if chain.should_save(step):
                chain.save_snapshot(state(step))
"""


class SigtermTests(ChainTestCase):
    def start(self, text):
        program = (textwrap.dedent(BEFORE) + textwrap.dedent(text)).replace("SAID", repr(SAID)).replace("RUN", repr(self.run_name))
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        return process

    def until(self, process, *lines):
        """Reads until each of the lines was said."""
        missing = list(lines)
        while missing:
            line = process.stdout.readline()
            self.assertTrue(line, f"{missing} were not said: {process.stderr.read() if not line else ''}")
            if line.strip() in missing:
                missing.remove(line.strip())

    def ended(self, process):
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def steps(self, run=None):
        with CiuicSnapshotChain(SAID, run or self.run_name) as chain:
            return [s.step for s in chain.list_snapshots()]

    def test_a_program_that_saves_in_a_thread_ends_with_its_last_save(self):
        process = self.start("""
            chain = opened()
            def said(text, flush):
                print("not flushed"), os.write(1, text.encode() + b"\\n")
            threading.Thread(target=train, args=(chain, 0.02, said)).start()
            while True:
                time.sleep(0.1)
        """)
        self.until(process, "training")
        process.terminate()
        code, out, err = self.ended(process)
        self.assertEqual((0, "not flushed\n"), (code, out), err)
        self.assertEqual(1, len(self.steps()))

    def test_each_of_two_runs_has_its_last_save_and_then_the_program_ends(self):
        for how in (
            "threading.Thread(target=train, args=(slow, 0.5)).start(); train(quick)",  # the main thread is done first
            "threading.Thread(target=train, args=(quick,)).start(); train(slow, 0.5)",
            "[threading.Thread(target=train, args=(chain, pause)).start() for chain, pause in ((quick, 0.02), (slow, 0.5))]",
        ):
            self.run_name += "x"
            process = self.start(f"""
                quick, slow = opened(), opened(RUN + "-slow")
                quick.get_latest_snapshot(), slow.get_latest_snapshot()
                {how}
            """)
            self.until(process, "training", "training")
            process.terminate()
            code, _, err = self.ended(process)
            self.assertEqual(0, code, err)
            self.assertEqual([1, 1], [len(self.steps()), len(self.steps(self.run_name + "-slow"))], err)

    def test_a_run_that_failed_is_not_forgotten_when_another_one_ends_the_program(self):
        process = self.start("""
            quick, slow = opened(), opened(RUN + "-slow")
            quick.get_latest_snapshot(), slow.get_latest_snapshot()
            def fail(timeout):
                raise TimeoutError("it is not committed")
            quick.finish, over = fail, threading.Event()
            def first():
                try:
                    train(quick)
                except InvalidInput:  # its chain is closed, and the program goes on for the other one
                    over.set()
            should_save = slow.should_save
            slow.should_save = lambda step: (slow.stopping and over.wait(), should_save(step))[1]
            threading.Thread(target=first).start()
            train(slow)
        """)
        self.until(process, "training", "training")
        process.terminate()
        code, _, err = self.ended(process)
        self.assertEqual(1, code, err)
        self.assertIn("The last save before the end failed", err)
        self.assertIn("ends with the last save of its last run", err)

    def test_a_SIGTERM_that_launchers_repeat_is_one(self):
        process = self.start("""
            chain = opened()
            wait, chain.finish = chain.finish, lambda timeout: (print("waiting", flush=True), time.sleep(1), wait(timeout))
            train(chain)
        """)
        self.until(process, "training")
        process.terminate()
        self.until(process, "waiting")
        process.terminate()
        code, _, err = self.ended(process)
        self.assertEqual(0, code, err)
        self.assertEqual(1, len(self.steps()))

    def test_a_chain_that_was_closed_beneath_another_one_takes_no_last_save_away(self):
        process = self.start("""
            lower, chain = opened(RUN + "-lower"), opened()
            lower.close()
            train(chain)
        """)
        self.until(process, "training")
        process.terminate()
        code, _, err = self.ended(process)
        self.assertEqual(0, code, err)
        self.assertEqual(1, len(self.steps()))

    def test_a_run_that_is_being_closed_when_another_one_ends_the_program_is_waited_for(self):
        process = self.start("""
            quick, slow = opened(sigterm_deadline=2), opened(RUN + "-slow", sigterm_deadline=2)
            quick.get_latest_snapshot(), slow.get_latest_snapshot()
            close = slow._opened._close
            def late():
                time.sleep(6)  # such as 20 GiB that go to the disk
                close()
                print("closed", flush=True)
            slow._opened._close = late
            [threading.Thread(target=train, args=(chain,)).start() for chain in (quick, slow)]
        """)
        self.until(process, "training", "training")
        process.terminate()
        code, out, err = self.ended(process)
        self.assertEqual((0, True), (code, "closed" in out), err)

    def test_one_that_comes_later_ends_the_program_and_what_was_saved_is_there(self):
        process = self.start("""
            chain = opened(settings={"Ciuic:Save:SpoolAfter": "00:00:00"})
            chain.save_snapshot(state(1), blocking=True)
            def hang(timeout):
                chain._opened.settle(timeout)  # it is committed, and the program hangs all the same
                print("waiting", flush=True)
                time.sleep(100)
            chain.finish = hang
            train(chain)
        """)
        self.until(process, "training")
        process.terminate()
        self.until(process, "waiting")
        time.sleep(REPEATS + 0.5)  # what is tested is that much later
        process.terminate()
        code, _, err = self.ended(process)
        self.assertEqual(-signal.SIGTERM, code, err)  # 143 in a shell
        self.assertEqual(2, len(self.steps()))

    def test_all_of_the_end_takes_no_longer_than_one_deadline(self):
        process = self.start("""
            with opened(sigterm_deadline=20) as chain:
                chain.get_latest_snapshot()
                library, call = chain._library, chain._library.call
                def never(method, **arguments):
                    if method == "wait":
                        time.sleep(min(1, arguments["seconds"]))
                        return {"state": "pending"}
                    return call(method, **arguments)
                library.call = never
                train(chain)
        """)
        self.until(process, "training")
        begin = time.monotonic()
        process.terminate()
        code, _, err = self.ended(process)
        self.assertLess(time.monotonic() - begin, 39, err)  # twice the deadline would be 40 s and more
        self.assertEqual(1, code, err)
        self.assertIn("IS NOT COMMITTED", err)


if __name__ == "__main__":
    unittest.main()
