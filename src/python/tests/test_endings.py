"""However a program ends that Python hears of, what was saved last is there afterwards. On a real gateway."""

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest

import torch

from cases import CONFIG, SAID, ChainTestCase
from ciuic_snapshot_chain import CiuicSnapshotChain, InvalidInput

BEFORE = """
    import os, signal, sys, threading, time, torch
    from ciuic_snapshot_chain import CiuicSnapshotChain
    def opened(**more):
        return CiuicSnapshotChain({**SAID, **more}, RUN)
    def state(step, size=10_000_000):
        return {"model": {"w": torch.full((size,), float(step))}, "step": step}
"""


class EndingTests(ChainTestCase):
    def run_program(self, text, *arguments):
        program = textwrap.dedent(BEFORE).replace("SAID", repr(SAID)).replace("RUN", repr(self.run_name)) + textwrap.dedent(text)
        return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=120)

    def steps(self):
        return [s.step for s in self.chain().list_snapshots()]

    def test_the_last_save_of_a_program_that_just_ends_is_committed(self):
        ended = self.run_program("""
            chain = opened()
            chain.save_snapshot(state(9))
            print("training finished")
        """)
        self.assertEqual((0, "training finished\n"), (ended.returncode, ended.stdout), ended.stderr)
        self.assertEqual([9], self.steps())

    def test_and_of_one_that_ends_by_sys_exit_or_an_exception(self):
        for step, end in ((1, "sys.exit(3)"), (2, "raise ValueError('a bug')")):
            ended = self.run_program(f"""
                chain = opened()
                chain.get_latest_snapshot()
                chain.save_snapshot(state({step}))
                {end}
            """)
            self.assertNotEqual(0, ended.returncode)
        self.assertEqual([2, 1], self.steps())

    def test_and_of_a_process_of_multiprocessing(self):
        ended = self.run_program("""
            import multiprocessing
            def work():
                opened().save_snapshot(state(5))
            process = multiprocessing.get_context("fork").Process(target=work)
            process.start()
            process.join()
            assert process.exitcode == 0
        """)
        self.assertEqual(0, ended.returncode, ended.stderr)
        self.assertEqual([5], self.steps())

    def test_a_chain_that_nobody_holds_any_more_loses_nothing(self):
        ended = self.run_program("""
            def train():
                opened().save_snapshot(state(4))
            train()
        """)
        self.assertEqual(0, ended.returncode, ended.stderr)
        self.assertEqual([4], self.steps())

    def test_a_run_whose_chain_was_forgotten_is_opened_anew_with_what_it_saved(self):
        ended = self.run_program("""
            def train():
                opened().save_snapshot(state(4))
            train()
            print(opened().get_latest_snapshot().step)
        """)
        self.assertEqual((0, "4\n"), (ended.returncode, ended.stdout), ended.stderr)

    def test_whoever_opens_a_run_that_is_being_closed_waits_for_that(self):
        for leave in ("del chain", "threading.Thread(target=chain.close).start()"):
            self.run_name += "x"
            ended = self.run_program(f"""
                chain = opened()
                chain.save_snapshot(state(4), blocking=True)
                begun, go = threading.Event(), threading.Event()
                def slow(handle):
                    begun.set()
                    go.wait()
                    close(handle)
                close, chain._library.close = chain._library.close, slow
                {leave}
                begun.wait()
                threading.Timer(1, go.set).start()
                print(opened().get_latest_snapshot().step)
            """)
            self.assertEqual((0, "4\n"), (ended.returncode, ended.stdout), ended.stderr)

    def test_a_close_that_does_not_end_is_not_waited_for_for_ever(self):
        ended = self.run_program("""
            from ciuic_snapshot_chain import Conflict
            from ciuic_snapshot_chain import opened as module
            module.CLOSES_WITHIN = 1
            chain = opened(sigterm_deadline=1)
            chain.save_snapshot(state(4), blocking=True)
            begun, go = threading.Event(), threading.Event()
            def slow(handle):
                begun.set()
                go.wait()
                close(handle)
            close, chain._library.close = chain._library.close, slow
            del chain
            begun.wait()
            try:
                opened().get_latest_snapshot()
            except Conflict as error:
                print(error)
            go.set()
        """)
        self.assertIn("open already, in this very process", ended.stdout, ended.stderr)

    def test_a_close_in_another_thread_is_waited_for_at_the_end(self):
        ended = self.run_program("""
            chain = opened()
            chain.save_snapshot(state(4))
            begun = threading.Event()
            def slow(seconds):
                begun.set()
                time.sleep(1)
                wait(seconds)
                print("waited", flush=True)
            wait, chain._opened._wait = chain._opened._wait, slow
            threading.Thread(target=chain.close, daemon=True).start()
            begun.wait()
        """)
        self.assertEqual((0, "waited\n"), (ended.returncode, ended.stdout), ended.stderr)
        self.assertEqual([4], self.steps())

    def test_close_waits_for_what_is_on_its_way(self):
        chain = self.chain()
        chain.save_snapshot({"model": {"w": torch.ones(10_000_000)}, "step": 1})
        chain.close()
        chain.close()
        self.assertEqual([1], self.steps())
        with self.assertRaises(InvalidInput):
            chain.save_snapshot({"model": {"w": torch.ones(1)}})

    def test_a_with_block_that_is_left_by_an_error_waits_too(self):
        for step, error in ((1, RuntimeError("CUDA error")), (2, KeyboardInterrupt())):
            with self.assertRaises(type(error)), self.chain() as chain:
                chain.get_latest_snapshot()
                chain.save_snapshot({"model": {"w": torch.full((10_000_000,), float(step))}, "step": step})
                raise error
        self.assertEqual([2, 1], self.steps())

    def test_a_save_whose_answer_an_interrupt_has_swallowed_is_waited_for(self):
        ended = self.run_program("""
            chain = opened()
            chain.get_latest_snapshot()
            def interrupted(method, **arguments):
                answer = call(method, **arguments)
                if method == "save":
                    raise KeyboardInterrupt
                return answer
            call, chain._library.call = chain._library.call, interrupted
            try:
                chain.save_snapshot(state(1))
            except KeyboardInterrupt:
                chain.finish()
                print(chain.list_snapshots()[0].step)
        """)
        self.assertEqual("1\n", ended.stdout, ended.stderr)

    def test_Ctrl_C_while_a_run_is_opened_leaves_no_lease_behind(self):
        ended = self.run_program("""
            chain = opened()
            begun, go = threading.Event(), threading.Event()
            def slow(method, **arguments):
                if method == "open_run":
                    begun.set()
                    go.wait()
                return call(method, **arguments)
            call, chain._library.call = chain._library.call, slow
            def press():
                begun.wait()
                os.kill(os.getpid(), signal.SIGINT)
            threading.Thread(target=press).start()
            try:
                chain.get_latest_snapshot()
            except KeyboardInterrupt:
                go.set()
            print(chain.get_latest_snapshot())
            chain.close()
            print(opened().get_latest_snapshot())
        """)
        self.assertEqual("None\nNone\n", ended.stdout, ended.stderr)

    def test_a_cell_of_a_notebook_that_failed_can_be_run_again(self):
        def cell(fails):
            chain = CiuicSnapshotChain(SAID, self.run_name)
            latest = chain.get_latest_snapshot()
            if fails:
                chain.save_snapshot({"model": {"w": torch.full((1_000_000,), 3.0)}, "step": 3})
                raise ValueError("a bug in the cell")
            self.chains.append(chain)
            return latest, chain

        try:
            cell(True)
        except ValueError as error:
            kept = error  # as IPython keeps the traceback, and with it everything in it
        latest, chain = cell(False)
        self.assertEqual(3, latest.step)
        self.assertEqual(4, chain.save_snapshot({"model": chain.load_model_state(latest)}, blocking=True).step)
        del kept

    def test_SIGTERM_to_the_whole_job_leaves_the_last_save(self):
        program = textwrap.dedent(BEFORE).replace("SAID", repr(SAID)).replace("RUN", repr(self.run_name)) + textwrap.dedent("""
            class Slow(torch.utils.data.Dataset):
                def __len__(self):
                    return 100_000
                def __getitem__(self, i):
                    time.sleep(0.002)
                    return torch.full((4,), float(i))
            chain = opened(save_every_steps=100_000)
            for number, _ in enumerate(torch.utils.data.DataLoader(Slow(), 8, num_workers=2, multiprocessing_context="fork"), 1):
                print(number, flush=True)
                if chain.should_save(number):
                    chain.save_snapshot(state(number, 3))
        """)
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        for line in process.stdout:
            if line.strip() == "20":
                os.killpg(process.pid, signal.SIGTERM)
        self.assertEqual(0, process.wait(60), process.stderr.read())
        process.stdout.close(), process.stderr.close()
        self.assertEqual(1, len(self.steps()))

    def test_several_threads_save_what_they_were_given(self):
        chain, errors = self.chain(), []

        def save(first):
            try:
                for step in range(first, 40, 4):
                    chain.save_snapshot({"model": {"w": torch.full((1000,), float(step))}, "epoch": step}, step=step, labels={"step": str(step)}).result()
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=save, args=(first,)) for first in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], errors)
        saved = chain.list_snapshots()
        self.assertEqual([*range(40)], sorted(s.step for s in saved))
        for listed in saved:
            snapshot = chain.get_snapshot(listed.sequence)
            self.assertEqual((listed.step, str(listed.step)), (snapshot["epoch"], snapshot.labels["step"]))
            self.assertEqual([float(listed.step)], chain.load_model_state(snapshot)["w"].unique().tolist())

    def test_threads_that_save_and_load_while_the_program_ends_crash_nothing(self):
        for work in ("chain.save_snapshot(state(1, 4_000_000))", "chain.load_model_state(latest)"):
            self.run_name += "x"
            ended = self.run_program(f"""
                with opened() as chain:
                    chain.save_snapshot(state(1, 4_000_000))
                chain = opened()
                latest, begun = chain.get_latest_snapshot(), threading.Event()
                def loop():
                    while True:
                        {work}
                        begun.set()
                threading.excepthook = lambda said: None  # the chain is closed at the end
                for _ in range(3):
                    threading.Thread(target=loop, daemon=True).start()
                begun.wait()
                print("over")
            """)
            self.assertEqual((0, "over\n"), (ended.returncode, ended.stdout), ended.stderr)

    def test_what_was_resumed_from_is_not_read_once_the_chain_is_closed(self):
        with self.chain() as chain:
            chain.save_snapshot({"model": {"w": torch.ones(1000)}, "step": 1})
        chain = self.chain()
        latest = chain.get_latest_snapshot()
        chain.close()
        with self.assertRaises(InvalidInput):
            chain.load_model_state(latest)

    def test_a_port_that_speaks_no_HTTP_is_refused_at_once(self):
        import socket

        with socket.create_server(("127.0.0.1", 0)) as listener:
            def answer():
                connection, _ = listener.accept()
                connection.sendall(b"220 mail ready\r\n")
                connection.recv(1000)
                connection.close()

            threading.Thread(target=answer, daemon=True).start()
            begin = time.monotonic()
            with self.assertRaises(InvalidInput) as caught:
                CiuicSnapshotChain({**SAID, "blockchain_endpoint": f"http://127.0.0.1:{listener.getsockname()[1]}"}, "x").get_latest_snapshot()
            self.assertIn("blockchain_endpoint", str(caught.exception))
            self.assertLess(time.monotonic() - begin, 10)


if __name__ == "__main__":
    unittest.main()
