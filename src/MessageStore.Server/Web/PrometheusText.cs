using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace MessageStore.Server.Web;

/// <summary>
/// Our gauges in Prometheus' text format 0.0.4. Written here because the packaged exporter for ASP.NET Core has been a beta for years; everything else that wants the figures
/// listens to the meter itself.
/// </summary>
internal static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <param name="meters">Whose gauges.</param>
    public static string Write(params Meter[] meters)
    {
        var rows = new SortedDictionary<string, (Instrument Instrument, List<string> Lines)>(StringComparer.Ordinal);
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (meters.Contains(instrument.Meter) && instrument.IsObservable) listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.Start();
        listener.RecordObservableInstruments();

        var text = new StringBuilder();
        foreach ((string name, (Instrument instrument, List<string> lines)) in rows)
        {
            text.Append("# HELP ").Append(name).Append(' ').Append(instrument.Description).Append('\n');
            text.Append("# TYPE ").Append(name).Append(" gauge\n");
            foreach (string line in lines) text.Append(line).Append('\n');
        }
        return text.ToString();

        void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            string name = instrument.Name.Replace('.', '_') + instrument.Unit switch { "By" => "_bytes", "s" => "_seconds", _ => "" };
            var labels = new List<string>();
            foreach ((string key, object? label) in tags) labels.Add($"{key}=\"{Escape(label?.ToString() ?? "")}\"");
            string number = double.IsPositiveInfinity(value) ? "+Inf" : value.ToString("R", CultureInfo.InvariantCulture);
            if (!rows.TryGetValue(name, out (Instrument, List<string> Lines) row)) rows.Add(name, row = (instrument, []));
            row.Lines.Add($"{name}{(labels.Count > 0 ? $"{{{string.Join(',', labels)}}}" : "")} {number}");
        }
    }

    private static string Escape(string label) => label.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
