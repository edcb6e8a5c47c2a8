using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Ciuic.Storage.Tests;

public sealed class ProxiesTests : IDisposable
{
    private readonly TcpListener _proxy = new(IPAddress.Loopback, 0);
    private readonly TcpListener _server = new(IPAddress.Loopback, 0);

    public ProxiesTests()
    {
        _proxy.Start();
        _server.Start();
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    public async Task Requests_to_this_machine_go_there_and_not_to_the_proxy(string host)
    {
        using var http = new HttpClient(Proxies.NewHandler(Proxy)) { Timeout = TimeSpan.FromSeconds(30) };
        http.DefaultRequestHeaders.Authorization = new("Bearer", "secret");
        var asking = http.GetStringAsync(new Uri($"http://{host}:{PortOf(_server)}/"));
        using var connection = await _server.AcceptTcpClientAsync();
        await AnswerAsync(connection, "direct");
        Assert.Equal("direct", await asking);
        Assert.False(_proxy.Pending());
    }

    [Fact]
    public async Task Requests_elsewhere_go_through_it()
    {
        using var http = new HttpClient(Proxies.NewHandler(Proxy)) { Timeout = TimeSpan.FromSeconds(30) };
        var asking = http.GetStringAsync(new Uri("http://bucket.example/"));
        using var connection = await _proxy.AcceptTcpClientAsync();
        await AnswerAsync(connection, "through");
        Assert.Equal("through", await asking);
    }

    [Fact]
    public void A_message_names_the_proxy_without_its_password_and_none_where_there_is_none()
    {
        var proxy = new WebProxy(new Uri("http://me:secret@proxy.example:3128"));
        Assert.Equal("http://proxy.example:3128", Proxies.Of(new Uri("http://bucket.example/"), proxy));
        Assert.Null(Proxies.Of(new Uri("http://127.0.0.1:5000"), proxy));
        Assert.Null(Proxies.Of(new Uri("http://[::1]:5000"), proxy));
        proxy.BypassList = ["bucket\\.example"];
        Assert.Null(Proxies.Of(new Uri("http://bucket.example/"), proxy));
    }

    public void Dispose()
    {
        _proxy.Dispose();
        _server.Dispose();
    }

    private WebProxy Proxy => new(new Uri($"http://127.0.0.1:{PortOf(_proxy)}"));

    private static int PortOf(TcpListener listener) => ((IPEndPoint)listener.LocalEndpoint).Port;

    private static async Task AnswerAsync(TcpClient connection, string text)
    {
        var (stream, request) = (connection.GetStream(), new byte[4_096]);
        Assert.NotEqual(0, await stream.ReadAsync(request));
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {text.Length}\r\nConnection: close\r\n\r\n{text}"));
    }
}
