"""What tests on a real gateway share: CIUIC_TEST_CONFIG names its configuration."""

import json
import os
import unittest
import uuid

from ciuic_snapshot_chain import CiuicSnapshotChain

CONFIG = os.environ["CIUIC_TEST_CONFIG"]
with open(CONFIG) as _file:
    SAID = json.load(_file)


class ChainTestCase(unittest.TestCase):
    """Each test has a run of its own; what it opens is closed with it."""

    def setUp(self):
        self.run_name = f"{self._testMethodName[:60]}-{uuid.uuid4().hex[:8]}"
        self.chains = []

    def tearDown(self):
        self.close_all()

    def chain(self, **more):
        """A chain with further keys of the configuration."""
        self.chains.append(CiuicSnapshotChain({**SAID, **more}, self.run_name))
        return self.chains[-1]

    def close_all(self):
        for chain in self.chains:
            chain.close()
