using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using MessageStore.Messages;

namespace MessageStore.Server.Tests.Support;

/// <summary>Makes values of any type of the store's contract, with every property set, and writes them out so that they can be compared.</summary>
internal static class Sample
{
    /// <param name="type">The type.</param>
    /// <param name="full">Whether everything is there and differs from what it is by default, or everything that may be is missing, false and empty.</param>
    /// <param name="depth">How deep it lies.</param>
    public static object? Make(Type type, bool full, int depth = 0)
    {
        if (depth > 8) throw new NotSupportedException($"{type} goes deeper than JSON should.");
        if (Nullable.GetUnderlyingType(type) is { } inner) return full ? Make(inner, full, depth) : null;
        if (type == typeof(string)) return full ? "naïve \"text\" Ж 𝔘 \\ \t\n line" : "";
        if (type == typeof(bool)) return full;
        if (type == typeof(int)) return full ? -123_456_789 : 0;
        if (type == typeof(uint)) return full ? uint.MaxValue : 0u;
        if (type == typeof(ushort)) return full ? ushort.MaxValue : (ushort)0;
        if (type == typeof(long)) return full ? long.MaxValue - 7 : 0L;
        if (type == typeof(ulong)) return full ? ulong.MaxValue - 7 : 0UL;
        if (type == typeof(double)) return full ? Math.PI : double.NaN;
        if (type == typeof(Guid)) return full ? Guid.Parse("019393e0-1234-7abc-8def-0123456789ab") : Guid.Empty;
        if (type == typeof(DateTimeOffset)) return full ? new DateTimeOffset(2026, 3, 4, 5, 6, 7, TimeSpan.FromMinutes(150)).AddTicks(1234567) : default(DateTimeOffset);
        if (type == typeof(DateOnly)) return full ? new DateOnly(2026, 3, 4) : default;
        if (type == typeof(TimeOnly)) return full ? new TimeOnly(13, 14, 15) : default;
        if (type == typeof(TimeSpan)) return full ? TimeSpan.FromTicks(-987_654_321_098) : TimeSpan.Zero;
        if (type == typeof(byte[])) return full ? new byte[] { 0, 1, 254, 255 } : [];
        if (type == typeof(ReadOnlyMemory<byte>)) return new ReadOnlyMemory<byte>(full ? [0, 1, 254, 255] : []);
        if (type == typeof(object)) return full ? Make(typeof(ArchiveRun), full, depth + 1) : "plain";
        if (type.IsEnum) return full ? Enum.GetValues(type).Cast<object>().Last() : Enum.GetValues(type).Cast<object>().First();
        if (type.IsAssignableFrom(typeof(MessageBody))) return MessageBody.FromMemory(Bytes(full ? 200_000 : 0));
        if (type == typeof(Stream)) return new MemoryStream(Bytes(full ? 200_000 : 0));
        if (ElementOf(type) is { } element) return List(type, element, full, depth);
        if (DictionaryOf(type) is { } pair) return Dictionary(pair[0], pair[1], full, depth);
        if (type.IsInterface || type.IsAbstract || typeof(Delegate).IsAssignableFrom(type) || type.Namespace?.StartsWith(nameof(MessageStore), StringComparison.Ordinal) != true)
            throw new NotSupportedException($"{type} is no plain data, so it cannot go through the socket.");
        object value = RuntimeHelpers.GetUninitializedObject(type);
        foreach (PropertyInfo property in type.GetProperties(BindingFlags.Instance | BindingFlags.Public).Where(p => p.SetMethod is not null && p.GetIndexParameters().Length == 0))
            property.SetValue(value, Make(property.PropertyType, full, depth + 1));
        return value;
    }

    public static byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Everything that a value says, as text.</summary>
    public static string Describe(object? value)
    {
        var text = new StringBuilder();
        Describe(value, text);
        return text.ToString();
    }

    private static void Describe(object? value, StringBuilder text)
    {
        switch (value)
        {
            case null: text.Append("null"); break;
            case string s: text.Append('"').Append(s).Append('"'); break;
            case DateTimeOffset time: text.Append(time.ToString("O", CultureInfo.InvariantCulture)); break;
            case MessageBody body: text.Append(body.Length).Append(" bytes ").Append(Convert.ToHexString(body.Sha256)); break;
            case ReadOnlyMemory<byte> memory: text.Append(Convert.ToHexString(memory.Span)); break;
            case CancellationToken: text.Append("token"); break;
            case IDictionary map: DescribeAll([.. map.Keys.Cast<object>().Select(k => new object?[] { k, map[k] })], text); break;
            case IEnumerable list: DescribeAll([.. list.Cast<object?>()], text); break;
            case IFormattable plain: text.Append(plain.ToString(null, CultureInfo.InvariantCulture)); break;
            case bool flag: text.Append(flag); break;
            default:
                text.Append(value.GetType().Name).Append(" {");
                foreach (PropertyInfo property in value.GetType().GetProperties(BindingFlags.Instance | BindingFlags.Public).Where(p => p.GetIndexParameters().Length == 0))
                {
                    text.Append(' ').Append(property.Name).Append('=');
                    Describe(property.GetValue(value), text);
                }
                text.Append(" }");
                break;
        }
    }

    private static void DescribeAll(List<object?> items, StringBuilder text)
    {
        text.Append('[');
        foreach (object? item in items)
        {
            Describe(item, text);
            text.Append(';');
        }
        text.Append(']');
    }

    private static Type? ElementOf(Type type) => type.IsArray ? type.GetElementType() : IsOneOf(type, typeof(IReadOnlyList<>), typeof(IReadOnlyCollection<>), typeof(IEnumerable<>), typeof(IList<>), typeof(List<>)) ? type.GetGenericArguments()[0] : null;

    private static Type[]? DictionaryOf(Type type) => IsOneOf(type, typeof(IReadOnlyDictionary<,>), typeof(IDictionary<,>), typeof(Dictionary<,>)) ? type.GetGenericArguments() : null;

    private static bool IsOneOf(Type type, params Type[] definitions) => type.IsGenericType && definitions.Contains(type.GetGenericTypeDefinition());

    private static object List(Type type, Type element, bool full, int depth)
    {
        var list = Array.CreateInstance(element, full ? 2 : 0);
        for (int i = 0; i < list.Length; i++) list.SetValue(Make(element, full, depth + 1), i);
        return type.IsAssignableFrom(list.GetType()) ? list : Activator.CreateInstance(type, list)!;
    }

    private static object Dictionary(Type key, Type element, bool full, int depth)
    {
        var map = (IDictionary)Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(key, element))!;
        if (full) map.Add(Make(key, full, depth + 1)!, Make(element, full, depth + 1));
        return map;
    }
}
