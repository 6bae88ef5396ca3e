import io
import unittest

import jobs
from shop import create_app


class ShopTest(unittest.TestCase):
    def setUp(self):
        self.client = create_app().test_client()

    def test_cart_survives_between_requests(self):
        answer = self.client.post("/cart/add/1", follow_redirects=True)
        self.assertIn("Espresso cup is in your cart.", answer.text)
        self.assertIn("9.00 €", self.client.get("/cart").text)

    def test_api_creates_and_deletes(self):
        answer = self.client.post("/api/products", json={"name": "Saucer", "price_cents": 300})
        self.assertEqual(answer.status_code, 201)
        location = answer.headers["Location"]
        self.assertEqual(self.client.get(location).json["name"], "Saucer")
        self.assertEqual(self.client.delete(location).status_code, 204)
        self.assertEqual(self.client.get(location).status_code, 404)

    def test_upload_is_measured(self):
        answer = self.client.post("/upload", data={"file": (io.BytesIO(b"\x00\xff"), "two.bin")})
        self.assertEqual(answer.json["size"], 2)

    def test_error_pages(self):
        self.assertIn("Not found", self.client.get("/nowhere").text)
        self.assertEqual(self.client.get("/broken").status_code, 500)

    def test_nightly_report_takes_its_limit_from_the_event(self):
        report = jobs.nightly_report({"kwargs": {"low_stock": 2}}, None)
        self.assertEqual(report["running_out"], ["Teapot 急須"])


if __name__ == "__main__":
    unittest.main()
