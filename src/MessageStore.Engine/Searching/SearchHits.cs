namespace MessageStore.Searching;

/// <summary>What the index found: slots of the store's index, which stay what they are until this is disposed.</summary>
/// <param name="Slots"><see langword="null"/> for all.</param>
internal sealed record SearchHits(List<int>? Slots, IDisposable Hold) : IDisposable
{
    public void Dispose() => Hold.Dispose();
}
