using System.ComponentModel.DataAnnotations;

namespace Ciuic.Client;

/// <summary>What to do when another attempt holds a live lease on the run.</summary>
public enum WhenLeased
{
    /// <summary>Fail with a conflict that names the holder.</summary>
    Refuse = 1,

    /// <summary>Wait until the lease expires or is given back.</summary>
    Wait,

    /// <summary>Fence the holder and go on in its place.</summary>
    TakeOver,
}

/// <summary>What a start does about earlier snapshots of the run.</summary>
public enum ResumePolicy
{
    /// <summary>Restore the chain head if there is one.</summary>
    Auto = 1,

    /// <summary>Fail if there is nothing to restore.</summary>
    Must,

    /// <summary>Start from scratch; new snapshots continue the run's chain.</summary>
    Never,
}

/// <summary>How the cluster is asked.</summary>
public enum ClientMode
{
    /// <summary>As an Orleans client, which is trusted like a silo: in the cluster's private network.</summary>
    Orleans = 1,

    /// <summary>Through a gateway's HTTP API, with a key.</summary>
    Http,
}

/// <summary>Section <c>Ciuic:Client</c>.</summary>
public sealed class ClientOptions : IValidatableObject
{
    /// <summary>
    /// How the cluster is asked. Not set: <see cref="ClientMode.Orleans"/> where <see cref="Gateways"/> are, otherwise
    /// <see cref="ClientMode.Http"/>.
    /// </summary>
    [EnumDataType(typeof(ClientMode))]
    public ClientMode? Mode { get; set; }

    /// <summary>
    /// Where gateways answer, in the mode <see cref="ClientMode.Http"/>. Bytes go there too where <c>Ciuic:Store:Uri</c> is
    /// <c>gateway:</c>, otherwise to the bucket directly.
    /// </summary>
    [Required, Url]
    public string Endpoint { get; set; } = "http://127.0.0.1:5000";

    /// <summary>
    /// The key to show to the gateway. A secret: environment variable <c>Ciuic__Client__ApiKey</c> or <c>CIUIC_API_KEY</c>.
    /// </summary>
    public string ApiKey { get; set; } = "";

    /// <summary>
    /// A file with the key to show to the gateway; the environment variable CIUIC_API_KEY comes first. Empty: the key that a gateway on
    /// this machine has left for its user.
    /// </summary>
    public string ApiKeyFile { get; set; } = "";

    /// <summary>A PEM file of certificate authorities that are trusted for gateways instead of the machine's. Default none.</summary>
    public string CaFile { get; set; } = "";

    /// <summary>The cluster's name, as the silos have it.</summary>
    [Required]
    public string ClusterId { get; set; } = "ciuic";

    /// <summary>The service's name, as the silos have it.</summary>
    [Required]
    public string ServiceId { get; set; } = "ciuic";

    /// <summary>
    /// Where silos listen, at least one in the mode <see cref="ClientMode.Orleans"/>: <c>address:port</c>, or <c>name:port</c>, which stands for all addresses of the name.
    /// </summary>
    public string[] Gateways { get; set; } = [];

    /// <summary>The ledger's name, as the silos have it.</summary>
    [Required]
    public string Ledger { get; set; } = "main";

    /// <summary>
    /// A C2SP tlog-policy file with the ledger's verifier key and its witnesses, for proofs and for reading history from
    /// the bucket. Empty: the key that is found beside the ledger is believed, and remembered.
    /// </summary>
    public string PolicyFile { get; set; } = "";

    /// <summary>
    /// Remembers the newest tree head this machine has accepted, so that a ledger that was rolled back or forked is refused.
    /// </summary>
    [Required]
    public string StateDirectory { get; set; } = "artifacts/client";

    /// <summary>
    /// How long opening a run waits for a silo before training goes on without one. 1 second to 1 hour; default 20 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan ConnectPatience { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// How long resuming a run asks a bucket again that does not answer. 0 to 1 day; default 5 minutes.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan StorePatience { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Default <see cref="WhenLeased.Refuse"/>.</summary>
    [EnumDataType(typeof(WhenLeased))]
    public WhenLeased WhenLeased { get; set; } = WhenLeased.Refuse;

    /// <summary>Default <see cref="ResumePolicy.Auto"/>.</summary>
    [EnumDataType(typeof(ResumePolicy))]
    public ResumePolicy Resume { get; set; } = ResumePolicy.Auto;

    /// <summary>Whether the cluster is asked over HTTP.</summary>
    internal bool IsHttp => (Mode ?? (Gateways.Length > 0 ? ClientMode.Orleans : ClientMode.Http)) == ClientMode.Http;

    /// <summary>These, for somebody who must disturb nobody.</summary>
    internal ClientOptions Refusing()
    {
        var options = (ClientOptions)MemberwiseClone();
        options.WhenLeased = WhenLeased.Refuse;
        return options;
    }

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!IsHttp && Gateways.Length == 0)
            yield return new ValidationResult("At least one silo's address is needed.", [nameof(Gateways)]);
    }
}
