using System.Buffers;
using Microsoft.AspNetCore.Http;

namespace Ciuic.Gateway;

/// <summary>A request's body, whole in memory that is given back.</summary>
internal sealed class Body : IDisposable
{
    private readonly byte[] _buffer;
    private readonly IDisposable _room;
    private readonly int _length;

    private Body(byte[] buffer, int length, IDisposable room) => (_buffer, _length, _room) = (buffer, length, room);

    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _length);

    /// <summary>Reads it.</summary>
    /// <exception cref="HttpProblemException">Its length is not said (411), too large (413), or there is no room now (429).</exception>
    public static async Task<Body> ReadAsync(HttpContext http, ByteBudget budget, int most)
    {
        if (http.Request.ContentLength is not { } length)
            throw new HttpProblemException(StatusCodes.Status411LengthRequired, "Say how long the body is: Content-Length.");
        if (length > most)
            throw new HttpProblemException(StatusCodes.Status413PayloadTooLarge, $"A body of {length} bytes; at most {most} are taken here.");
        var room = budget.Take(length);
        var buffer = ArrayPool<byte>.Shared.Rent((int)length);
        var body = new Body(buffer, (int)length, room);
        try
        {
            await http.Request.Body.ReadExactlyAsync(buffer.AsMemory(0, (int)length), http.RequestAborted);
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
        ArrayPool<byte>.Shared.Return(_buffer);
        _room.Dispose();
    }
}
