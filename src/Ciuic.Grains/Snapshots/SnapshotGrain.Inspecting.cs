using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>A committed snapshot that somebody calls damaged is read again, beside the calls.</summary>
internal sealed partial class SnapshotGrain
{
    /// <summary>How long a verdict is told without reading again: whoever asked may have lost the answer.</summary>
    private static readonly TimeSpan WorthRemembering = TimeSpan.FromMinutes(1);

    private Task<Verdict> _inspection = Task.FromResult(default(Verdict));
    private long? _inspected;

    public async Task<Inspection?> InspectAsync(TimeSpan patience)
    {
        if (Data.State != SnapshotState.Committed)
            return new Inspection($"snapshot {Id} is {Data.State}, not committed");
        if (_inspection.IsCompleted && !(_inspected is { } at && time.GetElapsedTime(at) < WorthRemembering))
            _inspection = InspectAsync();
        await draining.WaitAsync(_inspection, patience < MaxPatience ? patience : MaxPatience, time);
        return _inspection.IsCompleted ? new Inspection((await _inspection).Complaint) : null;
    }

    private async Task<Verdict> InspectAsync()
    {
        _inspected = null;
        DelayDeactivation(TimeSpan.FromHours(1)); // nobody's call keeps it, and a large one takes long
        try
        {
            var verdict = await NewVerification(anew: true).RunAsync(_stopping.Token);
            _inspected = time.GetTimestamp();
            return verdict;
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            throw Draining.Leaving();
        }
    }
}
