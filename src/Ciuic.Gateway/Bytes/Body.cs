using Ciuic.Snapshots;
using Microsoft.AspNetCore.Http;

namespace Ciuic.Gateway;

/// <summary>
/// A request's body, whole in memory that is given back. It begins at a page: disks take it as it is, past the page cache.
/// </summary>
internal sealed class Body : IDisposable
{
    private static readonly BufferPool Buffers = new();

    private readonly BufferPool.Loan _loan;
    private readonly IDisposable _room;

    private Body(BufferPool.Loan loan, IDisposable room) => (_loan, _room) = (loan, room);

    public ReadOnlyMemory<byte> Bytes => _loan.Memory;

    /// <summary>Reads it.</summary>
    /// <exception cref="HttpProblemException">Its length is not said (411), too large (413), or there is no room now (429).</exception>
    public static async Task<Body> ReadAsync(HttpContext http, ByteBudget budget, int most)
    {
        if (http.Request.ContentLength is not { } length)
            throw new HttpProblemException(StatusCodes.Status411LengthRequired, "Say how long the body is: Content-Length.");
        if (length > most)
            throw new HttpProblemException(StatusCodes.Status413PayloadTooLarge, $"A body of {length} bytes; at most {most} are taken here.");
        var room = budget.Take(length);
        var body = new Body(Buffers.Take((int)length), room);
        try
        {
            await http.Request.Body.ReadExactlyAsync(body._loan.Memory, http.RequestAborted);
            return body;
        }
        catch (EndOfStreamException)
        {
            body.Dispose();
            throw new HttpProblemException(StatusCodes.Status400BadRequest, $"The body ended before its {length} bytes.");
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _loan.Dispose();
        _room.Dispose();
    }
}
