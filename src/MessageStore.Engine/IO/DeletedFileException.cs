namespace MessageStore.IO;

/// <summary>A file that is in use has no name any more: nothing that is written to it will be found again. Whoever can go on in another file catches it.</summary>
/// <param name="path">The name that it had.</param>
internal sealed class DeletedFileException(string path) : IOException($"{path} was deleted while it was in use: nothing that is written to it will be found again.");
