using System.Diagnostics;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Storage.S3;
using Ciuic.Testing;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Benchmarks;

/// <summary>
/// A state of incompressible bytes, stored raw, to a real S3 server and back, beside the SDK that moves the same objects at the same
/// concurrency and checks nothing. Bytes on the wire are the same.
/// </summary>
internal static class S3Benchmark
{
    private const string Bucket = "bench";
    private const int Objects = 48;
    private const int Repetitions = 5;

    public static async Task RunAsync(BenchmarkReport report)
    {
        await using var ceph = await CephServer.StartAsync();
        using var client = Client(ceph);
        await client.PutBucketAsync(Bucket);
        var store = await OpenAsync(ceph);
        using var chunks = new ChunkStore(store);
        using var buffers = new StagingBuffers(1L << 31);
        var (ours, raw, loaded, fetched) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var i = 0; i < Repetitions; i++)
        {
            var item = new ItemState("model", [ArrayTensor.Random("t", Objects << 20, i)], [], []);
            var staged = StagedShard.Stage(buffers, [item], ShardPlan.DefaultChunkBytes);
            var uploader = new ShardUploader(chunks, new CodecOptions { Mode = CodecMode.Raw }, new SaveOptions().Writers);
            raw.Add(await SecondsAsync(() => PutAsync(client, staged, i)));
            UploadedShard? uploaded = null;
            ours.Add(await SecondsAsync(async () => uploaded = await uploader.UploadAsync(staged, _ => { }, CancellationToken.None)));
            var shard = Samples.Shard(Samples.Run, 1, staged, uploaded!);
            fetched.Add(await SecondsAsync(() => GetAsync(client, i)));
            loaded.Add(await SecondsAsync(() => Loads.ShardAsync(
                chunks, shard, (_, _) => true, buffers, new SaveOptions().Readers, CancellationToken.None)));
        }

        var writers = new SaveOptions().Writers;
        Add("S3 put, the SDK alone", writers, raw, null);
        Add("S3 save, raw, hashed and created-if-absent", writers, ours, raw);
        Add("S3 get, the SDK alone", new SaveOptions().Readers, fetched, null);
        Add("S3 restore, every byte checked", new SaveOptions().Readers, loaded, fetched);

        void Add(string name, int callers, List<double> seconds, List<double>? peer)
        {
            var rate = Objects * 4.194304 / Median(seconds);
            var note = peer is null ? null : $"{Median(peer) / Median(seconds):0.00} of the SDK alone";
            report.Add(new Figure(name, callers, rate, "MB/s", Note: note));
        }
    }

    private static Task PutAsync(AmazonS3Client client, StagedShard staged, int round) => Parallel.ForEachAsync(
        Enumerable.Range(0, Objects),
        new ParallelOptions { MaxDegreeOfParallelism = new SaveOptions().Writers },
        async (i, stop) =>
        {
            using var body = new MemoryStream(staged.Content(staged.Plan.Chunks[i]).ToArray());
            await client.PutObjectAsync(new PutObjectRequest { BucketName = Bucket, Key = $"raw/{round}/{i}", InputStream = body }, stop);
        });

    private static Task GetAsync(AmazonS3Client client, int round) => Parallel.ForEachAsync(
        Enumerable.Range(0, Objects),
        new ParallelOptions { MaxDegreeOfParallelism = new SaveOptions().Readers },
        async (i, stop) =>
        {
            using var answer = await client.GetObjectAsync(Bucket, $"raw/{round}/{i}", stop);
            await answer.ResponseStream.CopyToAsync(Stream.Null, stop);
        });

    private static async Task<double> SecondsAsync(Func<Task> action)
    {
        var begin = Stopwatch.GetTimestamp();
        await action();
        return Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static AmazonS3Client Client(CephServer ceph) => new(CephServer.AccessKey, CephServer.SecretKey, new AmazonS3Config
    {
        ServiceURL = ceph.Endpoint.OriginalString,
        AuthenticationRegion = CephServer.Region,
        ForcePathStyle = true,
        RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
        ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
    });

    private static Task<IObjectStore> OpenAsync(CephServer ceph)
    {
        var settings = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Ciuic:Store:Uri"] = $"s3://{Bucket}",
            ["Ciuic:S3:Endpoint"] = ceph.Endpoint.OriginalString,
            ["Ciuic:S3:Region"] = CephServer.Region,
            ["Ciuic:S3:AccessKey"] = CephServer.AccessKey,
            ["Ciuic:S3:SecretKey"] = CephServer.SecretKey,
        }).Build();
        return new StoreSchemes(new S3Scheme()).OpenAsync(settings, CancellationToken.None);
    }
}
