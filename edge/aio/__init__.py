"""The thin asyncio side."""
