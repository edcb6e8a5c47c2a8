using System.Net;
using System.Security.Cryptography;
using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ciuic.Gateway;

/// <summary>
/// A gateway that only this machine can reach leaves a key in a file of its user's, so that his programs need no settings. One that is
/// there and still good stays; otherwise a new one takes its place.
/// </summary>
/// <param name="options">Where the gateway listens, and where the file is.</param>
/// <param name="grains">The cluster.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Told where it cannot be left.</param>
public sealed partial class LocalKeyFile(GatewayOptions options, IGrainFactory grains, TimeProvider time, ILogger<LocalKeyFile> logger)
    : IHostedLifecycleService
{
    private const string Nowhere = "none";
    private static readonly TimeSpan BetweenTries = TimeSpan.FromSeconds(2);

    /// <summary>A gateway that is gone must not leave a key behind that is good for ever; one that runs makes it good again in time.</summary>
    private static readonly TimeSpan GoodFor = TimeSpan.FromDays(14);

    private static readonly TimeSpan BetweenRenewals = TimeSpan.FromDays(1);

    private readonly ApiKey _key = ApiKey.Of(RandomNumberGenerator.GetBytes(ApiKey.RandomBytes));
    private readonly CancellationTokenSource _stopping = new();
    private Task _writing = Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        if (options.LocalKeyFile != Nowhere && IPAddress.IsLoopback(IPAddress.Parse(options.Address)))
            _writing = WritePatientlyAsync();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _writing;
        _stopping.Dispose();
    }

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task WritePatientlyAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await WriteAsync();
                await Task.Delay(BetweenRenewals, time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (Exception error)
            {
                NotLeft(logger, ExitCode.Reason(error));
                await Task.Delay(BetweenTries, time, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task WriteAsync()
    {
        var path = options.LocalKeyFile.Length > 0
            ? options.LocalKeyFile
            : LocalKey.PathFor(options.Port, Environment.GetEnvironmentVariable);
        if (path is null)
            return; // nobody has a home here
        var access = grains.GetGrain<IAccessGrain>(IAccessGrain.Key);
        if (await FindGoodAsync(path, access) is { } good)
        {
            await access.AddAsync(good with { ExpiresAt = time.GetUtcNow() + GoodFor });
            return;
        }

        var name = $"local: {Environment.MachineName}:{path}"; // other machines of the cluster have keys of their own
        var temporary = Write(path, _key.Reveal()); // where nothing can be written no key is made
        foreach (var before in (await access.DescribeAsync()).Keys.Where(k => k.Name == name && k.RevokedAt is null && k.Id != _key.Id))
            await access.RevokeAsync(before.Id);
        await access.AddAsync(new ApiKeyRecord
        {
            Id = _key.Id,
            Hash = _key.Hash,
            Scope = AccessScope.Admin,
            RunPrefix = "",
            Name = name,
            CreatedAt = time.GetUtcNow(),
            ExpiresAt = time.GetUtcNow() + GoodFor,
        });
        // Dying between the two leaves a key that nobody has; the next start ends it.
        File.Move(temporary, path, overwrite: true);
    }

    private async Task<ApiKeyRecord?> FindGoodAsync(string path, IAccessGrain access)
    {
        if (!File.Exists(path) || ApiKey.TryParse(await File.ReadAllTextAsync(path)) is not { } key)
            return null;
        return (await access.DescribeAsync()).Keys.FirstOrDefault(
            k => k.Id == key.Id && k.RevokedAt is null && !(k.ExpiresAt <= time.GetUtcNow()) && key.Fits(k.Hash));
    }

    private static string Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var temporary = $"{path}.{Environment.ProcessId}";
        File.Delete(temporary);
        var mine = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            mine.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var writer = new StreamWriter(temporary, mine))
            writer.WriteLine(text);
        return temporary;
    }

    [LoggerMessage(62, LogLevel.Warning, "The key for programs on this machine was not left yet: {Error}")]
    private static partial void NotLeft(ILogger logger, string error);
}
