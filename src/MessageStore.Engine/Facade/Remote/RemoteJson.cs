using System.Text.Json;
using System.Text.Json.Serialization;

namespace MessageStore.Remote;

/// <summary>How arguments and results are written as JSON: every settable property, so that what is not the default stays so.</summary>
internal static class RemoteJson
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        IgnoreReadOnlyProperties = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new KnownObjectConverter(), new MessageBodyConverter() },
    };
}
