namespace MessageStore.Storage;

/// <summary>A large message whose parts are still coming in: its place is reserved, nobody sees it yet.</summary>
/// <param name="Head">Image header and summary, as in the first frame's payload.</param>
internal sealed record PendingAppend(ImageHeader Image, int Segment, long Offset, byte[] Head)
{
    public long ImageLength => ImageHeader.ImageLength(Image.BodyLength, Image.SummaryLength);
}
