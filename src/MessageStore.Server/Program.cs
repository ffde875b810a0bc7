Console.Error.WriteLine("usage: messagestored demo [--messages N]");
return 2;
