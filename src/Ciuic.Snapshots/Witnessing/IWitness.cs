using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>What a witness answered.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="ContentType">Media type, without parameters; empty where there is none.</param>
/// <param name="Body">The body.</param>
public sealed record WitnessReply(int Status, string ContentType, byte[] Body)
{
    /// <summary>The media type of a 409's body.</summary>
    public const string SizeType = "text/x.tlog.size";
}

/// <summary>A way to one witness.</summary>
public interface IWitness
{
    /// <summary>The witness as the policy names it.</summary>
    PolicyWitness Identity { get; }

    /// <summary>Sends an <c>add-checkpoint</c> request. Asking again is safe: the witness knows what it has seen.</summary>
    /// <exception cref="UnavailableException">It does not answer; whether it has cosigned is unknown.</exception>
    Task<WitnessReply> AddCheckpointAsync(byte[] request, CancellationToken cancel);
}
