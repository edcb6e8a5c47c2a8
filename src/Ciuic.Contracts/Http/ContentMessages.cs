using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>What a snapshot holds.</summary>
/// <param name="Item">An item's name.</param>
/// <param name="Tensors">Its tensors, whole, however many ranks have saved parts of them.</param>
/// <param name="Bytes">Names of its byte items.</param>
public sealed record ApiItem(string Item, ApiTensor[] Tensors, string[] Bytes);

/// <summary>A tensor of a snapshot.</summary>
/// <param name="Name">Its name in its item.</param>
/// <param name="Dtype">Type of its elements, as manifests name it.</param>
/// <param name="Shape">Its lengths, the outermost first.</param>
/// <param name="Length">Its bytes.</param>
public sealed record ApiTensor(string Name, string Dtype, long[] Shape, long Length);

/// <summary>What has to be read to restore a snapshot, or a rank's part of it.</summary>
/// <param name="Sequence">The snapshot.</param>
/// <param name="Manifest">Digest of its manifest.</param>
/// <param name="Step">Optimizer updates completed.</param>
/// <param name="Shards">What each rank has saved.</param>
public sealed record RestorePlan(Sequence Sequence, ManifestDigest Manifest, long Step, PlannedShard[] Shards);

/// <summary>A rank's shard to read.</summary>
/// <param name="Rank">The rank that saved it.</param>
/// <param name="Shard">Digest of its manifest.</param>
/// <param name="Length">Its bytes once restored.</param>
/// <param name="Objects">What it is read from.</param>
public sealed record PlannedShard(Rank Rank, ShardDigest Shard, long Length, ApiObject[] Objects);

/// <summary>How much of the bucket a run's committed snapshots take.</summary>
/// <param name="Snapshots">Committed snapshots.</param>
/// <param name="Bytes">What restoring each of them would give, all together.</param>
/// <param name="Objects">Objects that they are made of, each counted once.</param>
/// <param name="UniqueBytes">Bytes of those before compression: what remains once equal chunks are stored once.</param>
public sealed record StorageUsage(long Snapshots, long Bytes, long Objects, long UniqueBytes);

/// <summary>Objects that a shard is to list.</summary>
/// <param name="Names">Their keys, up to 10,000.</param>
public sealed record MissingRequest(string[] Names);

/// <summary>Objects that have to be sent before a shard may list them.</summary>
/// <param name="Missing">Those of the names that the run's head does not have.</param>
public sealed record MissingAnswer(string[] Missing);
