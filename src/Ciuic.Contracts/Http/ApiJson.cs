using System.Text.Json;
using System.Text.Json.Serialization;
using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>
/// The HTTP API's JSON: names and enumerations in snake_case. Made at compile time, so that it works where there is no reflection. Metrics that
/// are no numbers are texts, as in manifests: "NaN", "Infinity", "-Infinity".
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DictionaryKeyPolicy = JsonKnownNamingPolicy.Unspecified,
    AllowTrailingCommas = false,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    Converters =
    [
        typeof(LowerCase<SnapshotState>), typeof(LowerCase<RunEventKind>), typeof(LowerCase<ReadyOutcome>), typeof(LowerCase<LeaseReply>),
        typeof(LowerCase<BeginOutcome>), typeof(LowerCase<ShardReply>), typeof(LowerCase<RollbackOutcome>), typeof(LowerCase<MarkKind>),
        typeof(LowerCase<MarkOutcome>), typeof(LowerCase<AccessScope>), typeof(LowerCase<KeyRole>),
    ])]
[JsonSerializable(typeof(ServerInfo))]
[JsonSerializable(typeof(OpenRequest))]
[JsonSerializable(typeof(OpenReply))]
[JsonSerializable(typeof(RenewRequest))]
[JsonSerializable(typeof(CloseRequest))]
[JsonSerializable(typeof(LeaseAnswer))]
[JsonSerializable(typeof(ReadyRequest))]
[JsonSerializable(typeof(ReadyReply))]
[JsonSerializable(typeof(BeginRequest))]
[JsonSerializable(typeof(BeginReply))]
[JsonSerializable(typeof(ShardUploadRequest))]
[JsonSerializable(typeof(CompleteRequest))]
[JsonSerializable(typeof(AbandonRequest))]
[JsonSerializable(typeof(ShardAnswer))]
[JsonSerializable(typeof(FinalAnswer))]
[JsonSerializable(typeof(EventsAnswer))]
[JsonSerializable(typeof(SnapshotView))]
[JsonSerializable(typeof(RunView))]
[JsonSerializable(typeof(RunEvent))]
[JsonSerializable(typeof(RollbackRequest))]
[JsonSerializable(typeof(RollbackReply))]
[JsonSerializable(typeof(MarkRequest))]
[JsonSerializable(typeof(MarkReply))]
[JsonSerializable(typeof(LedgerView))]
[JsonSerializable(typeof(ApiPage<RunView>))]
[JsonSerializable(typeof(ApiPage<SnapshotView>))]
[JsonSerializable(typeof(ApiPage<RunEvent>))]
[JsonSerializable(typeof(ApiPage<ApiObject>))]
[JsonSerializable(typeof(ApiPage<RunId>))]
[JsonSerializable(typeof(ApiPage<ApiKeyRecord>))]
[JsonSerializable(typeof(ApiPage<ScrubView>))]
[JsonSerializable(typeof(RotateRequest))]
[JsonSerializable(typeof(KeyAnswer))]
[JsonSerializable(typeof(RebuildRequest))]
[JsonSerializable(typeof(RebuildView))]
[JsonSerializable(typeof(ApiPage<ApiItem>))]
[JsonSerializable(typeof(RestorePlan))]
[JsonSerializable(typeof(StorageUsage))]
[JsonSerializable(typeof(MissingRequest))]
[JsonSerializable(typeof(MissingAnswer))]
[JsonSerializable(typeof(ApiProblem))]
public sealed partial class ApiJson : JsonSerializerContext;

/// <summary>An enumeration's members in snake_case; numbers are refused.</summary>
internal sealed class LowerCase<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false)
    where T : struct, Enum;
