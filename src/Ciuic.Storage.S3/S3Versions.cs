using Ciuic.Core;

namespace Ciuic.Storage.S3;

/// <summary>
/// Notices that a bucket begins to keep versions. Its owner can switch that on at any time, to be safe, and Ceph 16 then ignores
/// If-None-Match: no create would be one any more. Each answer to a write tells; from the first unexpected one on nothing is created
/// before a probe has passed.
/// </summary>
/// <param name="probe">Tries whether create-if-absent is honoured.</param>
internal sealed class S3Versions(S3Probe probe)
{
    private readonly SemaphoreSlim _one = new(1);
    private volatile bool _areExpected;
    private volatile bool _isSuspect;

    /// <summary>Whether an answer's version says that the bucket keeps them; where that is suspended it is called "null".</summary>
    public static bool IsOne(string? version) => !string.IsNullOrEmpty(version) && version != "null";

    /// <summary>Takes note of a probe that has passed.</summary>
    public void Passed(bool hasVersions) => (_areExpected, _isSuspect) = (hasVersions, false);

    /// <summary>Takes note of the answer to a write whose outcome does not depend on it.</summary>
    public void Saw(string? version) => _isSuspect |= !_areExpected && IsOne(version);

    /// <summary>Returns when an object may be created; or, after it was, when its creation counts.</summary>
    /// <exception cref="UnavailableException">Create-if-absent is gone: whether this one has won is unknown.</exception>
    public async Task RequireFitAsync(CancellationToken cancel)
    {
        if (!_isSuspect)
            return;
        await _one.WaitAsync(cancel);
        try
        {
            if (_isSuspect)
                Passed(await probe.RunAsync(cancel));
        }
        catch (InvalidInputException error)
        {
            throw new UnavailableException(error.Message, error) { IsUnfit = true };
        }
        finally
        {
            _one.Release();
        }
    }
}
