using System.Runtime.CompilerServices;

/// <summary>
/// Compiled into every program that runs TorchSharp (see Directory.Build.targets): before its first line, TorchSharp's
/// native library is made loadable.
/// </summary>
internal static class TorchNativeInitializer
{
#pragma warning disable CA2255 // a program may use TorchSharp before it touches any type of Ciuic.Torch
    [ModuleInitializer]
    internal static void Initialize() => Ciuic.Torch.TorchNative.EnsureLoadable();
#pragma warning restore CA2255
}
