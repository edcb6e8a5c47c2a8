import json
import os
import tempfile
import unittest

from ciuic_snapshot_chain import InvalidInput, LibraryMissing
from ciuic_snapshot_chain.config import Config
from ciuic_snapshot_chain.library import Library, find

GIVEN = {
    "storage_type": "s3",
    "bucket_name": "deepseek-models",
    "access_key": "AKIAEXAMPLE",
    "secret_key": "hidden-secret",
    "blockchain_endpoint": "http://localhost:5000",
}


class ConfigTests(unittest.TestCase):
    def test_the_usual_configuration_is_taken_as_it_stands(self):
        config = Config.read(GIVEN)
        self.assertEqual(config.settings["Ciuic:Store:Uri"], "s3://deepseek-models")
        self.assertEqual(config.settings["Ciuic:S3:SecretKey"], "hidden-secret")
        self.assertEqual(config.settings["Ciuic:Client:Endpoint"], "http://localhost:5000")

    def test_secrets_are_not_shown(self):
        self.assertNotIn("hidden-secret", repr(Config.read(GIVEN)))

    def test_without_storage_bytes_go_through_the_gateway(self):
        self.assertEqual(Config.read({}).settings["Ciuic:Store:Uri"], "gateway:")

    def test_other_storage(self):
        self.assertEqual(Config.read({"storage_type": "file", "path": "/a"}).settings["Ciuic:Store:Uri"], "file:/a")
        hdfs = {"storage_type": "hdfs", "hdfs_url": "webhdfs://nn:9870/a"}
        self.assertEqual(Config.read(hdfs).settings["Ciuic:Store:Uri"], "webhdfs://nn:9870/a")

    def test_what_is_wrong_is_named(self):
        for said, named in (
            ({"bukket_name": "x"}, "bukket_name"),
            ({"storage_type": "ftp"}, "ftp"),
            ({"storage_type": "s3"}, "bucket_name"),
            ({"storage_type": "file"}, "path"),
            ({"blockchain_endpoint": 5000}, "blockchain_endpoint"),
            ({"on_sigterm": "explode"}, "on_sigterm"),
            ({"save_every_steps": "abc"}, "save_every_steps"),
            ({"save_every_steps": 2.7}, "save_every_steps"),
            ({"save_every_steps": True}, "save_every_steps"),
            ({"spool_max_bytes": None}, "spool_max_bytes"),
            ({"sigterm_deadline": "x"}, "sigterm_deadline"),
            ({"connect_patience": 0}, "connect_patience"),
            ({"save_rng": "no"}, "save_rng"),
            ({"settings": [1]}, "settings"),
            ({"settings": {"Ciuic:Codec": {"Mode": "Raw"}}}, "Ciuic:Codec"),
            ({"run": "a b"}, "a b"),
        ):
            with self.assertRaises(InvalidInput) as caught:
                Config.read(said)
            self.assertIn(named, str(caught.exception))

    def test_files_that_are_none_are_named(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "ciuic_config.json")
            with self.assertRaises(InvalidInput):
                Config.read(path)
            for text in ("{", "[]", "\0"):
                with open(path, "w") as file:
                    file.write(text)
                with self.assertRaises(InvalidInput) as caught:
                    Config.read(path)
                self.assertIn(path, str(caught.exception))
            with open(path, "w") as file:
                json.dump(GIVEN, file)
            self.assertEqual(Config.read(path).settings, Config.read(GIVEN).settings)

    def test_a_wrong_setting_is_named_by_the_library(self):
        with self.assertRaises(InvalidInput) as caught:
            Library.shared().call("open", settings={"Ciuic:Client:Mode": "Http", "Ciuic:Store:Uri": "gateway:", "Ciuic:Save:MaxWat": "1"})
        self.assertIn("MaxWat", str(caught.exception))

    def test_home_is_meant_by_a_tilde(self):
        home = os.path.expanduser("~")
        self.assertEqual(Config.read({"storage_type": "file", "path": "~/a"}).settings["Ciuic:Store:Uri"], f"file:{home}/a")
        self.assertEqual(Config.read({"api_key_file": "~/key"}).settings["Ciuic:Client:ApiKeyFile"], f"{home}/key")

    def test_times_are_what_the_library_reads(self):
        settings = Config.read({"connect_patience": 90061.5, "store_patience": 0.25}).settings
        self.assertEqual("1.01:01:01.500", settings["Ciuic:Client:ConnectPatience"])
        self.assertEqual("0.00:00:00.250", settings["Ciuic:Client:StorePatience"])

    def test_another_library_is_told_apart(self):
        import ctypes.util
        import pathlib

        with self.assertRaises(LibraryMissing) as caught:
            Library(pathlib.Path(ctypes.util.find_library("m") or "libm.so.6"))
        self.assertIn("another library", str(caught.exception))

    def test_a_library_that_is_missing_is_said_how_to_build(self):
        before = os.environ.get("CIUIC_NATIVE_LIBRARY")
        os.environ["CIUIC_NATIVE_LIBRARY"] = "/nowhere/Ciuic.Native.so"
        try:
            with self.assertRaises(LibraryMissing) as caught:
                Library(find())
            self.assertIn("dotnet publish src/Ciuic.Native", str(caught.exception))
        finally:
            del os.environ["CIUIC_NATIVE_LIBRARY"]
            if before is not None:
                os.environ["CIUIC_NATIVE_LIBRARY"] = before


if __name__ == "__main__":
    unittest.main()
