namespace Ciuic.Core;

/// <summary>Up to eight planes, wherever each of them lies: raw ones in the frame, others unpacked.</summary>
internal ref struct PlaneSet(int width)
{
    private ReadOnlySpan<byte> _p0, _p1, _p2, _p3, _p4, _p5, _p6, _p7;

    /// <summary>Number of planes: bytes of an element.</summary>
    public readonly int Width => width;

    /// <summary>One plane, 0 the least significant.</summary>
    public ReadOnlySpan<byte> this[int plane]
    {
        readonly get => plane switch
        {
            0 => _p0,
            1 => _p1,
            2 => _p2,
            3 => _p3,
            4 => _p4,
            5 => _p5,
            6 => _p6,
            _ => _p7,
        };
        set
        {
            switch (plane)
            {
                case 0: _p0 = value; break;
                case 1: _p1 = value; break;
                case 2: _p2 = value; break;
                case 3: _p3 = value; break;
                case 4: _p4 = value; break;
                case 5: _p5 = value; break;
                case 6: _p6 = value; break;
                default: _p7 = value; break;
            }
        }
    }
}
