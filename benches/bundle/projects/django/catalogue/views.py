import io

from django.http import HttpResponse
from PIL import Image, ImageDraw
from rest_framework import decorators, response, serializers, viewsets

from catalogue import outside
from catalogue.models import Item


class ItemSerializer(serializers.ModelSerializer):
    class Meta:
        model = Item
        fields = ["id", "name", "stock", "added"]


class ItemViewSet(viewsets.ModelViewSet):
    queryset = Item.objects.all()
    serializer_class = ItemSerializer

    @decorators.action(detail=True)
    def price(self, request, pk=None):
        return response.Response({"price": outside.price(f"https://prices.example/{pk}")})


def label(request, number):
    image = Image.new("RGB", (160, 40), "white")
    ImageDraw.Draw(image).text((10, 10), f"item {number}", fill="black")
    file = io.BytesIO()
    image.save(file, "PNG")
    return HttpResponse(file.getvalue(), content_type="image/png")
