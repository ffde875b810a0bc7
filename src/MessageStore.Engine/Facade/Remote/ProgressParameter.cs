using System.Text.Json;

namespace MessageStore.Remote;

/// <summary>Reports that go back to the caller while the call is under way. The caller says only whether it wants them.</summary>
internal sealed class ProgressParameter<T> : StoreParameter
{
    public override void Write(Utf8JsonWriter writer, object? argument) => writer.WriteBooleanValue(argument is not null);

    public override object? Read(JsonElement written, int number, CallSender sender) => written.GetBoolean() ? new Reporter(number, sender) : null;

    public override void Report(object? argument, JsonElement value) => (argument as IProgress<T>)?.Report(value.Deserialize<T>(RemoteJson.Options)!);

    private sealed class Reporter(int number, CallSender sender) : IProgress<T>
    {
        public void Report(T value) => sender.Report(number, value);
    }
}
