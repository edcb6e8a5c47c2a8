using System.Runtime.InteropServices;

namespace Ciuic.Core;

/// <summary>
/// SHA-256 of a node's 65 bytes. Checking a block's root takes about ten of them, and .NET's call spends five parts in six
/// on making and freeing a context: 0.47 us, of which hashing is 0.09. So these go to the three functions of the OpenSSL
/// library that .NET itself uses on Linux; where they are missing, everything is as before, only slower.
/// </summary>
internal static class ShortSha256
{
    private const string Library = "libcrypto.so.3";
    private const int ContextWords = 64; // SHA256_CTX has 28

    private static readonly bool IsNative = HashesTheSame();

    public static Digest Of(ReadOnlySpan<byte> content) => IsNative ? OfNative(content) : Digest.Of(content);

    private static Digest OfNative(ReadOnlySpan<byte> content)
    {
        Span<uint> words = stackalloc uint[ContextWords];
        Span<byte> hash = stackalloc byte[Digest.Size];
        ref var context = ref MemoryMarshal.GetReference(words);
        _ = Init(ref context);
        _ = Update(ref context, in MemoryMarshal.GetReference(content), content.Length);
        _ = Final(ref MemoryMarshal.GetReference(hash), ref context);
        return new Digest(hash);
    }

    private static bool HashesTheSame()
    {
        try
        {
            var content = new byte[1 + 2 * Digest.Size];
            return OfNative(content) == Digest.Of(content);
        }
        catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
        {
            return false;
        }
    }

    // No change of the thread's state around calls of less than 0.1 us, which neither wait nor call back.
    [DllImport(Library, EntryPoint = "SHA256_Init"), SuppressGCTransition]
    private static extern int Init(ref uint context);

    [DllImport(Library, EntryPoint = "SHA256_Update"), SuppressGCTransition]
    private static extern int Update(ref uint context, in byte content, nint length);

    [DllImport(Library, EntryPoint = "SHA256_Final"), SuppressGCTransition]
    private static extern int Final(ref byte hash, ref uint context);
}
