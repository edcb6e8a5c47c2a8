"""Several processes that train one run, with torch.distributed (gloo), on a real gateway."""

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest
import unittest.mock

from cases import CONFIG, ChainTestCase
from ciuic_snapshot_chain import ranks as ranks_module
from ciuic_snapshot_chain.last_step import LastStep, NoAgreement
from ciuic_snapshot_chain.ranks import Ranks

BEGIN = """
import json, sys, time, torch
import torch.distributed as dist
from ciuic_snapshot_chain import CiuicError, CiuicSnapshotChain
folder, rank, world, run = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
config = json.load(open({config!r}))

def chain(**more):
    return CiuicSnapshotChain({{**config, **more}}, run)

def group():
    dist.init_process_group("gloo", init_method="file://" + folder + "/store", rank=rank, world_size=world)
"""


class RankTests(ChainTestCase):
    def start(self, folder, program, world=2):
        """Starts a program on each rank; its last line is what a test looks at."""
        code = BEGIN.format(config=CONFIG) + textwrap.dedent(program)
        environment = {k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE", "TORCHELASTIC_RUN_ID", "SLURM_JOB_ID")}
        return [
            subprocess.Popen(
                [sys.executable, "-c", code, folder, str(rank), str(world), self.run_name],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
            )
            for rank in range(world)
        ]

    def ended(self, processes, timeout=120):
        """What each said last, and all that it logged."""
        said = []
        try:
            for process in processes:
                out, err = process.communicate(timeout=timeout)
                self.assertEqual(0, process.returncode, f"{out}\n{err}")
                said.append((out.strip().splitlines()[-1] if out.strip() else "", err))
        finally:
            for process in processes:
                process.kill()
        return said

    def ranks(self, program, world=2):
        with tempfile.TemporaryDirectory() as folder:
            return self.ended(self.start(folder, program, world))

    def test_ranks_that_hold_other_values_commit_nothing_and_are_told_of_which_tensor(self):
        for out, err in self.ranks("""
            group()
            c = chain()
            state = {"model": {f"layer{i}.weight": torch.full((3,), float(rank if i == 2 else 7)) for i in range(6)}, "step": 1}
            try:
                c.save_snapshot(state, blocking=True)
                print("saved")
            except CiuicError as error:
                print(error)
        """):
            self.assertIn("model/layer2.weight (ranks 0 | 1)", out)
            self.assertIn("Nothing of it is committed", out)
        self.assertEqual([], self.chain().list_snapshots())

    def test_a_state_dictionary_comes_back_in_its_order_on_every_rank_and_for_one_reader(self):
        names = [f"layers.{i}.weight" for i in (3, 0, 11, 2, 10, 1, 7, 4)]
        for out, _ in self.ranks(f"""
            group()
            c = chain()
            c.save_snapshot({{"model": {{n: torch.full((1000 + i,), float(i)) for i, n in enumerate({names!r})}}, "step": 1}}, blocking=True)
            c.close()
            c = chain()
            print(list(c.load_model_state(c.get_latest_snapshot())))
        """):
            self.assertEqual(str(names), out)
        self.assertEqual(names, list(self.chain().load_model_state(self.chain().get_snapshot())))

    def test_one_rank_saves_alone_for_all_and_nobody_waits(self):
        said = self.ranks("""
            group()
            if rank == 0:
                c = chain(settings={"Ciuic:Ranks:WorldSize": "1"})
                c.get_latest_snapshot()
                c.save_snapshot({"model": {"w": torch.ones(3)}, "step": 1}, blocking=True)
                c.close()
            dist.barrier()
            print("ok")
        """)
        self.assertEqual(["ok", "ok"], [out for out, _ in said])
        self.assertEqual([1], [s.step for s in self.chain().list_snapshots()])

    def test_a_chain_on_one_rank_only_is_made_at_once_and_says_whom_it_waits_for(self):
        said = self.ranks("""
            group()
            if rank == 0:
                begin = time.monotonic()
                c = chain(settings={"Ciuic:Ranks:Patience": "00:00:07"})
                took = time.monotonic() - begin
                try:
                    c.get_latest_snapshot()
                except CiuicError as error:
                    print(took < 5, error)
            dist.barrier()
        """)
        out, err = said[0]
        self.assertIn("True", out)
        self.assertIn("of 2 ranks 1 have not restored", out)
        self.assertIn("Ciuic:Ranks:WorldSize is 1", err)  # a line while it waited

    def test_a_save_on_one_rank_only_says_within_seconds_whom_it_waits_for(self):
        said = self.ranks("""
            group()
            c = chain()
            c.get_latest_snapshot()
            if rank == 0:
                c.save_snapshot({"model": {"w": torch.ones(3)}, "step": 1})
                try:
                    c.finish(20)
                except TimeoutError:
                    print("not in time")
            dist.barrier()
        """)
        self.assertEqual("not in time", said[0][0])
        self.assertIn("waits for the shards of other ranks: 1", said[0][1])

    def test_a_chain_may_be_made_before_the_process_group(self):
        said = self.ranks("""
            c = chain()
            group()
            c.get_latest_snapshot()
            print(c.save_snapshot({"model": {"w": torch.ones(3)}, "step": 1}, blocking=True).result()["sequence"])
        """)
        self.assertEqual(["1", "1"], [out for out, _ in said])

    def test_running_statistics_and_buffers_of_modules_are_those_of_rank_0(self):
        said = self.ranks("""
            group()
            torch.manual_seed(0)
            class Noisy(torch.nn.Module):
                def __init__(self):
                    super().__init__()
                    self.layer = torch.nn.Linear(2, 2)
                    self.register_buffer("seen", torch.full((2,), float(rank)))
            net = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3))
            net(torch.randn(4, 3) + rank)  # as DDP lets them drift apart
            c = chain()
            c.save_snapshot({"model": net.state_dict(), "noisy": Noisy(), "step": 1}, blocking=True)
            c.close()
            c = chain()
            latest = c.get_latest_snapshot()
            mine = net.state_dict()["1.running_mean"].tolist()
            print(c.load_model_state(latest)["1.running_mean"].tolist(), c.load(latest, "noisy")["seen"].tolist(), mine, sep="|")
        """)
        first, second = (out.split("|") for out, _ in said)
        self.assertEqual(first[:2], second[:2])
        self.assertEqual([first[2], "[0.0, 0.0]"], first[:2])
        self.assertNotEqual(first[2], second[2])

    def test_what_is_each_ranks_own_comes_back_to_it_and_rank_0s_by_its_pattern(self):
        said = self.ranks("""
            group()
            c = chain()
            state = {"model": {"w": torch.ones(3), "odd": torch.full((2,), float(rank))}, "sampler": {"order": torch.tensor([rank, 7])}, "step": 1}
            c.save_snapshot(state, blocking=True, per_rank=["sampler"], rank0=["model/od?"])
            c.close()
            c = chain()
            latest = c.get_latest_snapshot()
            print(c.load(latest, "sampler")["order"].tolist(), c.load_model_state(latest)["odd"].tolist())
        """)
        self.assertEqual(["[0, 7] [0.0, 0.0]", "[1, 7] [0.0, 0.0]"], [out for out, _ in said])

    def test_SIGTERM_to_all_ranks_or_to_one_saves_at_a_step_that_all_agree_on(self):
        for number, told in enumerate(([0, 1], [1])):
            with self.subTest(told=told), tempfile.TemporaryDirectory() as folder:
                processes = self.start(folder, """
                    group()
                    c = chain(save_every_steps=100000)
                    latest = c.get_latest_snapshot()
                    begin = latest["step"] if latest else 0
                    for step in range(begin + 1, 10000):
                        time.sleep(0.02)
                        dist.all_reduce(torch.ones(1))
                        if step > begin + 5:
                            print(step, flush=True)
                        if c.should_save(step):
                            c.save_snapshot({"model": {"w": torch.full((3,), float(step))}, "step": step})
                """)
                for process in processes:
                    process.stdout.readline()
                for rank in told:
                    processes[rank].send_signal(signal.SIGTERM)
                self.ended(processes)
                listed = self.chain().list_snapshots()
                self.assertEqual(number + 1, len(listed))


    def test_SIGTERM_ends_ranks_whose_store_has_gone_as_if_we_were_not_there(self):
        with tempfile.TemporaryDirectory() as folder:
            processes = self.start(folder, """
                import os, signal
                group()
                c = chain(save_every_steps=100000)
                c.get_latest_snapshot()
                for step in range(1, 1000):
                    if c.should_save(step):
                        c.save_snapshot({"model": {"w": torch.ones(3)}, "step": step})
                    if step == 3:
                        c._opened.ranks._last._store = object()
                        os.kill(os.getpid(), signal.SIGTERM)
                    time.sleep(0.01)
                print("still here")
            """)
            for process in processes:
                out, err = process.communicate(timeout=120)
                self.assertEqual((-signal.SIGTERM, ""), (process.returncode, out), err)
                self.assertIn("nothing more is saved", err)


class LastStepTests(unittest.TestCase):
    """Ranks as threads, with a store as torch.distributed has them."""

    def run_ranks(self, world, steps, told_at, lockstep=True, patience=0.3, has_check=True):
        """At which step each rank ended; ``told_at`` says by rank the step at which it is told to."""
        store, ended = (CheckedStore if has_check else Store)(), {}
        barrier = threading.Barrier(world, timeout=20)

        def train(rank):
            last = LastStep(store, "end", rank, world, patience)
            for step in range(1, steps):
                if lockstep or step % 4 == 0:
                    barrier.wait()  # a collective
                if last.is_reached(step, step >= told_at.get(rank, steps)):
                    ended[rank] = step
                    return

        threads = [threading.Thread(target=train, args=(rank,)) for rank in range(world)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return ended

    def test_ranks_that_share_each_step_end_at_the_next_one(self):
        for has_check in (True, False):
            for told in ({0: 5}, {2: 5}, {0: 5, 1: 5, 2: 5}, {1: 5, 2: 6}):
                self.assertEqual({0: 6, 1: 6, 2: 6}, self.run_ranks(3, 50, told, has_check=has_check))

    def test_ranks_that_drift_apart_between_collectives_end_together_all_the_same(self):
        for attempt in range(10):
            ended = self.run_ranks(3, 400, {attempt % 3: 5 + attempt}, lockstep=False)
            self.assertEqual(3, len(ended), ended)
            self.assertEqual(1, len(set(ended.values())), ended)

    def test_a_store_that_is_gone_ends_nothing_until_a_rank_is_told_to_end(self):
        last = LastStep(object(), "end", 0, 2)
        with self.assertLogs("ciuic_snapshot_chain", "ERROR"):
            self.assertFalse(last.is_reached(1, False))
        self.assertFalse(last.is_reached(2, False))
        with self.assertRaises(NoAgreement):
            last.is_reached(3, True)

    def test_a_restarted_job_does_not_end_at_the_last_step_of_the_attempt_before(self):
        store = CheckedStore()
        with unittest.mock.patch("ciuic_snapshot_chain.ranks._store", lambda: store):
            for token, told_at in ((7, 5), (8, 8)):
                ranks = [Ranks({"Ciuic:Ranks:WorldSize": "2"}, "run") for _ in range(2)]
                ended = {}

                def train(rank):
                    ended[rank] = next(step for step in range(1, 100) if ranks[rank].is_last(step, step >= told_at, lambda: token))

                threads = [threading.Thread(target=train, args=(rank,)) for rank in range(2)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join(30)
                self.assertEqual(ended[0], ended[1])
                self.assertGreater(ended[0], told_at)

    def test_nodes_that_count_their_restarts_each_for_itself_call_an_attempt_the_same(self):
        names, store = set(), CheckedStore()
        with unittest.mock.patch("ciuic_snapshot_chain.ranks._store", lambda: store):
            for restarts in ("0", "1"):
                with unittest.mock.patch.dict(os.environ, TORCHELASTIC_RESTART_COUNT=restarts, TORCHELASTIC_RUN_ID="none"):
                    run = f"nodes-{os.getpid()}"
                    names.add(Ranks({"Ciuic:Ranks:WorldSize": "2"}, run).opening()["attempt"])
                    ranks_module._openings.pop(run)  # the other one is another process
        self.assertEqual(1, len(names))


class Store:
    """A store of torch 1.13, as far as it is used."""

    def __init__(self):
        self._values, self._lock = {}, threading.Lock()

    def add(self, key, more):
        with self._lock:
            self._values[key] = str(int(self._values.get(key, "0")) + more)
            return int(self._values[key])

    def get(self, key):
        with self._lock:
            return self._values[key].encode()

    def compare_set(self, key, expected, desired):
        with self._lock:
            if self._values.get(key, "") == expected:
                self._values[key] = desired
            return self._values.get(key, expected).encode()


class CheckedStore(Store):
    """One of torch 2."""

    def check(self, keys):
        with self._lock:
            return all(key in self._values for key in keys)


if __name__ == "__main__":
    unittest.main()
