using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Ciuic.Core;

namespace Ciuic.Native;

/// <summary>
/// The C interface: one call with a method's name and its arguments in JSON, answered in JSON. Bytes of tensors never pass
/// through it: arguments hold their addresses. Calls block their thread and may come from any; none returns an exception.
/// See FORMAT.md.
/// </summary>
internal static unsafe class Exports
{
    /// <summary>Grows when a method or an argument changes its meaning.</summary>
    private const int Version = 2;

    private static readonly Calls Calls = new();

    [UnmanagedCallersOnly(EntryPoint = "ciuic_version")]
    public static int GetVersion() => Version;

    /// <summary>Calls a method.</summary>
    /// <param name="method">Its name, UTF-8, ending in 0.</param>
    /// <param name="arguments">UTF-8 JSON.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="answer">Takes the answer, to be given back to <see cref="Free"/>.</param>
    /// <param name="answerLength">Takes its bytes.</param>
    /// <returns>0, or an exit code; the answer says what happened then.</returns>
    [UnmanagedCallersOnly(EntryPoint = "ciuic_call")]
    public static int Call(byte* method, byte* arguments, int length, byte** answer, int* answerLength)
    {
        var (code, bytes) = Answer(method, arguments, length);
        *answer = (byte*)NativeMemory.Alloc((nuint)Math.Max(1, bytes.Length));
        bytes.CopyTo(new Span<byte>(*answer, bytes.Length));
        *answerLength = bytes.Length;
        return code;
    }

    [UnmanagedCallersOnly(EntryPoint = "ciuic_free")]
    public static void Free(byte* answer) => NativeMemory.Free(answer);

    private static (int Code, byte[] Bytes) Answer(byte* method, byte* arguments, int length)
    {
        try
        {
            var said = new ReadOnlySpan<byte>(arguments, length).ToArray();
            return (ExitCode.Ok, Calls.CallAsync(Marshal.PtrToStringUTF8((nint)method) ?? "", said).GetAwaiter().GetResult());
        }
        catch (Exception error)
        {
            var problem = new Problem(KindOf(error), ExitCode.Reason(error));
            return (ExitCode.For(error), JsonSerializer.SerializeToUtf8Bytes(problem, NativeJson.Default.Problem));
        }
    }

    private static string KindOf(Exception error) => error switch
    {
        InvalidInputException or JsonException => "invalid",
        NotFoundException => "not_found",
        ConflictException => "conflict",
        FencedException => "fenced",
        UnavailableException => "unavailable",
        CorruptException => "corrupt",
        _ => "unexpected",
    };
}
