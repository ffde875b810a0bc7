namespace MessageStore.Remote;

/// <summary>The types that a property of type <see cref="object"/> may hold on its way through the socket: the engine's public records and plain values.</summary>
internal static class KnownTypes
{
    private static readonly Type[] Values = [typeof(string), typeof(bool), typeof(int), typeof(long), typeof(double), typeof(Guid), typeof(DateTimeOffset), typeof(TimeSpan)];

    private static readonly Dictionary<string, Type> ByName = Values.Concat(Contracts()).ToDictionary(t => t.FullName!, StringComparer.Ordinal);

    /// <summary>All of them, by name.</summary>
    public static IEnumerable<Type> All => ByName.Values;

    public static bool Contains(Type type) => type.FullName is { } name && ByName.TryGetValue(name, out Type? known) && known == type;

    public static Type? Find(string name) => ByName.GetValueOrDefault(name);

    private static IEnumerable<Type> Contracts() => typeof(IMessageStore).Assembly.GetExportedTypes().Where(type =>
        type is { IsAbstract: false, IsInterface: false, ContainsGenericParameters: false } && (type.IsEnum || IsRecord(type)));

    /// <summary>Only data travels by name: of a record the compiler makes a method that prints its members.</summary>
    private static bool IsRecord(Type type) =>
        type.GetMethod("PrintMembers", System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic) is not null;
}
